-- Counts one request of an API client that enqueues nothing.
--
-- KEYS[1] doko:{clients}:meta   ARGV[1] client   [2] requests a window   [3] window in ms
-- Returns 0, or the ms until the window ends
local key = PREFIX .. 'requests:' .. ARGV[1]
local used = call('INCR', key)
if used == 1 then call('PEXPIRE', key, ARGV[3]) end
if used <= tonumber(ARGV[2]) then return 0 end
return math.max(call('PTTL', key), 1)
