-- Notes a queue's totals, for charts and forecasts; a note younger than the given age makes it wait.
--
-- ARGV[1] least age of the last note in ms   [2] notes kept
-- Returns 1 if it noted something, else 0
local HISTORY = PREFIX .. 'history'
local last = call('LINDEX', HISTORY, -1)
if last and now - tonumber(string.match(last, '^%d+')) < tonumber(ARGV[1]) then return 0 end
local totals = call('HMGET', META, 'total_completed', 'total_failed', 'parked')
local waiting = call('ZCARD', WAITING) + call('ZCARD', SOLO) + (tonumber(totals[3]) or 0)
call('RPUSH', HISTORY, NOW .. ' ' .. (totals[1] or 0) .. ' ' .. (totals[2] or 0) .. ' ' .. waiting)
call('LTRIM', HISTORY, -tonumber(ARGV[2]), -1)
return 1
