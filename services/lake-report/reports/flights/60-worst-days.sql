/*
section = "By day"
title = "The ten worst days"
text = "Those on which the largest share of the scheduled flights was late or cancelled, with the day's weather: the mean of the airports' precipitation, and the strongest wind of an hour at any of them."
chart = "table"

[columns]
day = { label = "Day" }
scheduled = { label = "Flights scheduled" }
disturbed = { label = "Late or cancelled", unit = "%", digits = 0 }
cancelled = { label = "Cancelled", unit = "%", digits = 0 }
mean_delay = { label = "Mean delay", unit = "min", digits = 0 }
precipitation = { label = "Precipitation", unit = "inches", digits = 1 }
wind = { label = "Wind", unit = "mph", digits = 0 }
*/
WITH days AS (
    SELECT
        make_date(year, month, day) AS day,
        count(*) AS scheduled,
        100.0 * count(*) FILTER (dep_delay >= 15 OR dep_time IS NULL) / count(*) AS disturbed,
        100.0 * count(*) FILTER (dep_time IS NULL) / count(*) AS cancelled,
        avg(dep_delay) AS mean_delay
    FROM flights
    GROUP BY ALL
), airports AS (
    SELECT make_date(year, month, day) AS day, origin, sum(precip) AS precipitation, max(wind_speed) AS wind
    FROM weather
    GROUP BY ALL
), skies AS (
    SELECT day, avg(precipitation) AS precipitation, max(wind) AS wind
    FROM airports
    GROUP BY day
)
SELECT strftime(day, '%a, %-d %b %Y') AS day, scheduled, disturbed, cancelled, mean_delay, precipitation, wind
FROM days
LEFT JOIN skies USING (day)
ORDER BY disturbed DESC, days.day
LIMIT 10
