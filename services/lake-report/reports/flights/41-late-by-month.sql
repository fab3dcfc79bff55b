/*
section = "By month"
title = "Late departures by month and airport"
text = "Of a hundred departures, how many were late."
chart = "lines"
width = "half"
x = "month"
y = "late"
series = "airport"

[columns]
month = { label = "Month" }
airport = { label = "Airport" }
late = { label = "Late departures", unit = "%", digits = 1 }
departures = { label = "Departures" }
*/
SELECT
    strftime(make_date(2000, month, 1), '%b') AS month,
    CASE origin WHEN 'EWR' THEN 'Newark' WHEN 'LGA' THEN 'LaGuardia' ELSE origin END AS airport,
    100.0 * avg((dep_delay >= 15)::int) AS late,
    count(dep_delay) AS departures
FROM flights
GROUP BY flights.month, origin
ORDER BY flights.month, origin
