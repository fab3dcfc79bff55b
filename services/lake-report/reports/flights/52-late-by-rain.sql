/*
section = "By weather"
title = "Late departures by rain"
text = "Rain or melted snow in the hour of departure."
chart = "columns"
width = "third"
x = "rain"
y = "late"
reference = "late_overall"

[columns]
rain = { label = "Precipitation", unit = "inches an hour" }
late = { label = "Late departures", unit = "%", digits = 0, max = 60 }
late_overall = { label = "All", unit = "%", digits = 0 }
departures = { label = "Departures" }
*/
WITH observed AS (
    SELECT f.dep_delay, CASE WHEN w.precip = 0 THEN 0 WHEN w.precip < 0.05 THEN 1 WHEN w.precip < 0.2 THEN 2 ELSE 3 END AS class
    FROM flights AS f
    JOIN weather AS w ON w.origin = f.origin AND w.time_hour = f.time_hour
    WHERE f.dep_delay IS NOT NULL AND w.precip IS NOT NULL
)
SELECT
    CASE class
        WHEN 0 THEN 'none'
        WHEN 1 THEN '< 0.05'
        WHEN 2 THEN '0.05–0.2'
        WHEN 3 THEN '0.2+'
    END AS rain,
    100.0 * avg((dep_delay >= 15)::int) AS late,
    count(*) AS departures,
    (SELECT 100.0 * avg((dep_delay >= 15)::int) FROM flights) AS late_overall
FROM observed
GROUP BY class
ORDER BY class
