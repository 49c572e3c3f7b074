-- Ends a run and notes what became of it.
--
-- KEYS: see store.py
-- ARGV[1] id   [2] the run's JSON as the caller knows it   [3] what became of it, as JSON
-- Returns 1, or 0 if the run is another's
local id = ARGV[1]
if redis.call('HGET', KEYS[3], id) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[3], id)
redis.call('ZREM', KEYS[4], id)
if redis.call('HEXISTS', KEYS[1], id) == 1 then redis.call('HSET', KEYS[5], id, ARGV[3]) end
return 1
