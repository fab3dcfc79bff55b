/*
section = "By weather"
title = "Late departures by wind"
text = "Speed of the wind in the hour of departure."
chart = "columns"
width = "third"
x = "wind"
y = "late"
reference = "late_overall"

[columns]
wind = { label = "Wind", unit = "mph" }
late = { label = "Late departures", unit = "%", digits = 0, max = 60 }
late_overall = { label = "All", unit = "%", digits = 0 }
departures = { label = "Departures" }
*/
WITH observed AS (
    SELECT f.dep_delay, least(floor(w.wind_speed / 5), 5) AS class
    FROM flights AS f
    JOIN weather AS w ON w.origin = f.origin AND w.time_hour = f.time_hour
    WHERE f.dep_delay IS NOT NULL AND w.wind_speed IS NOT NULL
)
SELECT
    CASE class
        WHEN 0 THEN '0–5'
        WHEN 1 THEN '5–10'
        WHEN 2 THEN '10–15'
        WHEN 3 THEN '15–20'
        WHEN 4 THEN '20–25'
        WHEN 5 THEN '25+'
    END AS wind,
    100.0 * avg((dep_delay >= 15)::int) AS late,
    count(*) AS departures,
    (SELECT 100.0 * avg((dep_delay >= 15)::int) FROM flights) AS late_overall
FROM observed
GROUP BY class
ORDER BY class
