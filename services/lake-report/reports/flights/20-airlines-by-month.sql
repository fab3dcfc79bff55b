/*
title = "Late departures by airline and month"
text = "Of each airline's departures in a month, how many in a hundred left 15 minutes late or more. Airlines stand from the latest to the most punctual; months with fewer than 30 departures are left out, and so are airlines without any other."
chart = "heatmap"
main = true
x = "month"
y = "airline"
value = "late"

[columns]
month = { label = "Month" }
airline = { label = "Airline" }
late = { label = "Late departures", unit = "%", digits = 0 }
departures = { label = "Departures" }
*/
WITH years AS (
    SELECT carrier, avg((dep_delay >= 15)::int) AS late_in_year
    FROM flights
    GROUP BY carrier
), months AS (
    SELECT carrier, month, count(dep_delay) AS departures, 100.0 * avg((dep_delay >= 15)::int) AS late
    FROM flights
    GROUP BY carrier, month
)
SELECT
    strftime(make_date(2000, m.month, 1), '%b') AS month,
    regexp_replace(coalesce(a.name, y.carrier), ' (Inc\.|Co\.|Corporation)$', '') AS airline,
    CASE WHEN months.departures >= 30 THEN months.late END AS late,
    coalesce(months.departures, 0) AS departures
FROM years AS y
CROSS JOIN (SELECT DISTINCT month FROM flights) AS m
LEFT JOIN months ON months.carrier IS NOT DISTINCT FROM y.carrier AND months.month = m.month
LEFT JOIN airlines AS a ON a.carrier = y.carrier
WHERE y.carrier IN (SELECT carrier FROM months WHERE departures >= 30)
ORDER BY y.late_in_year DESC NULLS LAST, airline, m.month
