/*
section = "By airline"
title = "Late departures by airline"
text = "Of a hundred departures, how many were late. Airlines with fewer than 30 departures are left out."
chart = "bars"
width = "half"
x = "late"
y = "airline"
reference = "late_overall"

[columns]
airline = { label = "Airline" }
late = { label = "Late departures", unit = "%", digits = 1 }
late_overall = { label = "All", unit = "%", digits = 1 }
mean_delay = { label = "Mean delay", unit = "min", digits = 1 }
departures = { label = "Departures" }
*/
SELECT
    regexp_replace(coalesce(a.name, f.carrier), ' (Inc\.|Co\.|Corporation)$', '') AS airline,
    100.0 * avg((f.dep_delay >= 15)::int) AS late,
    avg(f.dep_delay) AS mean_delay,
    count(f.dep_delay) AS departures,
    (SELECT 100.0 * avg((dep_delay >= 15)::int) FROM flights) AS late_overall
FROM flights AS f
LEFT JOIN airlines AS a ON a.carrier = f.carrier
GROUP BY a.name, f.carrier
HAVING count(f.dep_delay) >= 30
ORDER BY late DESC NULLS LAST, airline
