-- Takes a job out of the queue for good, unless restore.lua brings it back.
--
-- ARGV[1] id   [2] who   [3] why   [4] SHA-1 of its message as the caller has kept it
-- Returns {'removed', set in which it stood, its score or ''}, {'missing'}, {'state', state} for a job that runs or is
--   blocked, {'awaited'} for one that others wait for, or {'changed'}: the caller has an older message
local id = ARGV[1]
local found = call('HMGET', JOB .. id, 'state', 'msg', 'group', 'dedup', 'mode', 'follower', 'dependents')
local state = found[1]
if not state then return {'missing'} end
if state == 'active' or state == 'blocked' then return {'state', state} end
if (found[6] or found[7]) and not is_finished(state) then return {'awaited'} end
if redis.sha1hex(found[2] or '') ~= ARGV[4] then return {'changed'} end
local set = state
if state == 'waiting' and call('ZSCORE', SOLO, id) then set = 'solo' end
local score = call('ZSCORE', PREFIX .. set, id)
call('ZREM', PREFIX .. set, id)
if found[3] and state == 'waiting' then
  score = score or call('ZSCORE', PREFIX .. 'parked:' .. found[3], id)
  group_forget(found[3], id)
end
if found[4] and not is_finished(state) and found[5] ~= 'ttl' then
  local name = PREFIX .. 'dedup:' .. found[4]
  if call('GET', name) == id then call('DEL', name) end
end
call('UNLINK', JOB .. id)
event('removed', id, 'by', ARGV[2], 'why', ARGV[3])
return {'removed', set, score or ''}
