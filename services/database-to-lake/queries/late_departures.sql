-- Departures that were an hour late or more, with the names of airline and destination.
-- Copy it with: make run-flow NAME=database-to-lake PARAMS='{"query_file": "queries/late_departures.sql"}'
SELECT flights.time_hour, flights.flight, airlines.name AS airline, flights.origin, airports.name AS destination, flights.dep_delay
FROM flights
JOIN airlines ON airlines.carrier = flights.carrier
LEFT JOIN airports ON airports.faa = flights.dest
WHERE flights.dep_delay >= 60
