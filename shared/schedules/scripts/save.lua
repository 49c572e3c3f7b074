-- Stores a schedule, or removes it, if it still is as the caller read it.
--
-- KEYS: see store.py
-- ARGV[1] id   [2] what the caller read, '' for nothing   [3] the new JSON, '' removes it
--      [4] due time in ms, 'keep' leaves it, 'none' for a paused one   [5] '1' for one that exists from the start
-- Returns 1, or 0 if it has changed, or -1 if it existed from the start and was removed
local id, seen, new, due = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if (redis.call('HGET', KEYS[1], id) or '') ~= seen then return 0 end
if ARGV[5] == '1' then
  -- What somebody removed must not come back with the next start.
  if seen == '' and redis.call('SISMEMBER', KEYS[6], id) == 1 then return -1 end
  redis.call('SADD', KEYS[6], id)
end
if new == '' then
  redis.call('HDEL', KEYS[1], id)
  redis.call('HDEL', KEYS[5], id)
  due = 'none'
else
  redis.call('HSET', KEYS[1], id, new)
end
if due == 'none' then
  redis.call('ZREM', KEYS[2], id)
elseif due ~= 'keep' then
  redis.call('ZADD', KEYS[2], due, id)
end
return 1
