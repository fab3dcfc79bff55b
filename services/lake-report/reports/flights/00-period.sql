/*
title = "Days that the flights cover"
chart = "period"
*/
SELECT
    min(make_date(year, month, day)) AS first_day,
    max(make_date(year, month, day)) AS last_day
FROM flights
