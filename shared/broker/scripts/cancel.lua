-- Cancels an unfinished job; a running one is marked, its worker is told, and it ends when it has really stopped.
--
-- ARGV[1] id   [2] who   [3] why
-- Returns {'cancelled'}, {'active'} (asked to stop), {'finished', state} or {'missing'}
local id = ARGV[1]
local found = call('HMGET', JOB .. id, 'state', 'worker', 'group', 'dedup', 'mode', 'follower', 'blocker', 'attempt',
  'token', 'dependents')
local state = found[1]
if not state then return {'missing'} end
if is_finished(state) then return {'finished', state} end
if state == 'active' then
  call('HSET', JOB .. id, 'cancel', ARGV[3] ~= '' and ARGV[3] or ARGV[2])
  local control = PREFIX .. 'control:' .. found[2]
  call('RPUSH', control, (found[9] or '') .. ' ' .. id)  -- the token names this attempt only
  call('PEXPIRE', control, 60000)
  event('cancelling', id, 'by', ARGV[2], 'why', ARGV[3])
  return {'active'}
end
if state == 'waiting' then
  local removed = call('ZREM', WAITING, id) + call('ZREM', SOLO, id)
  if found[3] then group_forget(found[3], id) end
  if removed == 0 and not found[3] then return redis.error_reply('ERR job ' .. id .. ' is waiting but in no set') end
elseif state == 'delayed' then
  call('ZREM', DELAYED, id)
else
  call('ZREM', BLOCKED, id)
  if found[7] then call('HDEL', JOB .. found[7], 'follower') end
end
local job = {dedup = found[4], mode = found[5], follower = found[6], attempt = found[8], dependents = found[10]}
-- A blocked follow-up doesn't hold the key yet; its holder keeps it.
if state == 'blocked' then job.dedup = nil end
finish_job(id, 'cancelled', job, '', 100, {'by', ARGV[2], 'why', ARGV[3]})
settle()
return {'cancelled'}
