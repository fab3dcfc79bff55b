/*
section = "By airline"
title = "Departures by airline"
text = "Flights that left, and in the table those that were cancelled."
chart = "bars"
width = "half"
x = "departures"
y = "airline"

[columns]
airline = { label = "Airline" }
departures = { label = "Departures" }
cancelled = { label = "Cancelled" }
*/
SELECT
    regexp_replace(coalesce(a.name, f.carrier), ' (Inc\.|Co\.|Corporation)$', '') AS airline,
    count(f.dep_time) AS departures,
    count(*) FILTER (f.dep_time IS NULL) AS cancelled
FROM flights AS f
LEFT JOIN airlines AS a ON a.carrier = f.carrier
GROUP BY a.name, f.carrier
ORDER BY departures DESC, airline
