-- An operator's retry of a failed job: same id, attempts anew, history kept, deduplication key taken again.
--
-- ARGV[1] id   [2] who
-- Returns {'waiting'}, {'missing'}, {'state', state} or {'key', id of the holder}
local id = ARGV[1]
local found = call('HMGET', JOB .. id, 'state', 'dedup', 'mode', 'priority', 'group')
if not found[1] then return {'missing'} end
if found[1] ~= 'failed' then return {'state', found[1]} end
if found[2] and found[3] ~= 'ttl' then
  local name = PREFIX .. 'dedup:' .. found[2]
  local holder = call('GET', name)
  if holder and holder ~= id and string.sub(holder, 1, 2) ~= 'r:' then
    local state = call('HGET', JOB .. holder, 'state')
    if state and not is_finished(state) then return {'key', holder} end
  end
  call('SET', name, id)
end
call('ZREM', PREFIX .. 'failed', id)
call('HDEL', JOB .. id, 'attempt', 'stalls', 'released', 'finished', 'started', 'token', 'worker', 'progress', 'cancel', 'follower')
call('HSET', JOB .. id, 'state', 'waiting')
event('retried', id, 'by', ARGV[2])
make_runnable(id, score_last(found[4]), found[5])
return {'waiting'}
