/*
title = "The year in figures"
chart = "figures"

[columns]
scheduled = { label = "Flights scheduled" }
cancelled = { label = "Cancelled", unit = "%", digits = 1 }
late = { label = "Left 15 minutes late or more", unit = "%", digits = 1 }
mean_delay = { label = "Mean delay of a departure", unit = "min", digits = 1 }
late_delay = { label = "Median delay of the late ones", unit = "min", digits = 0 }
*/
SELECT
    count(*) AS scheduled,
    100.0 * count(*) FILTER (dep_time IS NULL) / nullif(count(*), 0) AS cancelled,
    100.0 * count(*) FILTER (dep_delay >= 15) / nullif(count(dep_delay), 0) AS late,
    avg(dep_delay) AS mean_delay,
    median(dep_delay) FILTER (dep_delay >= 15) AS late_delay
FROM flights
