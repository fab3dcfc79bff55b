/*
section = "By month"
title = "Departures a day, by month"
text = "A day's mean, so that short months compare with long ones."
chart = "columns"
width = "half"
x = "month"
y = "departures_a_day"

[columns]
month = { label = "Month" }
departures_a_day = { label = "Departures a day", digits = 0 }
departures = { label = "Departures" }
cancelled = { label = "Cancelled", unit = "%", digits = 1 }
*/
SELECT
    strftime(make_date(2000, month, 1), '%b') AS month,
    count(dep_time) / count(DISTINCT (year, day)) AS departures_a_day,
    count(dep_time) AS departures,
    100.0 * count(*) FILTER (dep_time IS NULL) / count(*) AS cancelled
FROM flights
GROUP BY flights.month
ORDER BY flights.month
