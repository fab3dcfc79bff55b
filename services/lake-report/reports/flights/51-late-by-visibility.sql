/*
section = "By weather"
title = "Late departures by visibility"
text = "How far one sees in the hour of departure."
chart = "columns"
width = "third"
x = "visibility"
y = "late"
reference = "late_overall"

[columns]
visibility = { label = "Visibility", unit = "miles" }
late = { label = "Late departures", unit = "%", digits = 0, max = 60 }
late_overall = { label = "All", unit = "%", digits = 0 }
departures = { label = "Departures" }
*/
WITH observed AS (
    SELECT f.dep_delay, CASE WHEN w.visib >= 10 THEN 0 WHEN w.visib >= 5 THEN 1 WHEN w.visib >= 2 THEN 2 WHEN w.visib >= 1 THEN 3 ELSE 4 END AS class
    FROM flights AS f
    JOIN weather AS w ON w.origin = f.origin AND w.time_hour = f.time_hour
    WHERE f.dep_delay IS NOT NULL AND w.visib IS NOT NULL
)
SELECT
    CASE class
        WHEN 0 THEN '10'
        WHEN 1 THEN '5–10'
        WHEN 2 THEN '2–5'
        WHEN 3 THEN '1–2'
        WHEN 4 THEN '< 1'
    END AS visibility,
    100.0 * avg((dep_delay >= 15)::int) AS late,
    count(*) AS departures,
    (SELECT 100.0 * avg((dep_delay >= 15)::int) FROM flights) AS late_overall
FROM observed
GROUP BY class
ORDER BY class
