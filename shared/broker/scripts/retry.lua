-- An operator's retry of a failed job: same id, attempts anew, history kept, deduplication key taken again.
--
-- ARGV[1] id   [2] who; then, for a job that only the archive remembers and that becomes a record again:
-- ARGV[3] created|message (JSON)   [4] errors or ''   [5] priority or ''   [6] group or ''   [7] deduplication key or ''
-- ARGV[8] ids of the jobs that depend on it (JSON) or ''
-- Returns {'waiting'}, {'missing'}, {'state', state}, {'key', id of the holder} or {'dependencies'}: some that it
--   depends on have not completed
local id = ARGV[1]
local found = call('HMGET', JOB .. id, 'state', 'dedup', 'mode', 'priority', 'group', 'pending')
local restored
if not found[1] then
  if not ARGV[3] then return {'missing'} end
  found = {'failed', ARGV[7] ~= '' and ARGV[7], 'until_finished', ARGV[5], ARGV[6] ~= '' and ARGV[6]}
  restored = {'msg', ARGV[3]}
  for name, value in pairs({errors = ARGV[4], priority = ARGV[5], group = ARGV[6], dedup = ARGV[7],
    dependents = ARGV[8]}) do
    if value ~= '' then restored[#restored + 1] = name; restored[#restored + 1] = value end
  end
  if found[2] then restored[#restored + 1] = 'mode'; restored[#restored + 1] = found[3] end
end
if found[1] ~= 'failed' then return {'state', found[1]} end
if (tonumber(found[6]) or 0) > 0 then return {'dependencies'} end
if found[2] and found[3] ~= 'ttl' then
  local name = PREFIX .. 'dedup:' .. found[2]
  local holder = call('GET', name)
  if holder and holder ~= id and string.sub(holder, 1, 2) ~= 'r:' then
    local state = call('HGET', JOB .. holder, 'state')
    if state and not is_finished(state) then return {'key', holder} end
  end
  call('SET', name, id)
end
if restored then call('HSET', JOB .. id, unpack(restored)) end
call('ZREM', PREFIX .. 'failed', id)
call('HDEL', JOB .. id, 'attempt', 'stalls', 'released', 'finished', 'started', 'token', 'worker', 'progress', 'cancel', 'follower')
call('HSET', JOB .. id, 'state', 'waiting')
event('retried', id, 'by', ARGV[2])
make_runnable(id, score_last(found[4]), found[5])
return {'waiting'}
