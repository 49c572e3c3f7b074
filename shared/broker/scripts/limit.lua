-- Counts one request of an API client that enqueues nothing.
--
-- KEYS[1] doko:{client:<client>}:meta   ARGV[1] requests a window   [2] window in ms
-- Returns 0, or the ms until the window ends
local key = PREFIX .. 'requests'
local used = call('INCR', key)
if used == 1 then call('PEXPIRE', key, ARGV[2]) end
if used <= tonumber(ARGV[1]) then return 0 end
return math.max(call('PTTL', key), 1)
