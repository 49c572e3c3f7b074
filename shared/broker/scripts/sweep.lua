-- Brings back jobs whose lease ran out, promotes due jobs and ends pauses that are over. Any worker may call it.
--
-- ARGV[1] most jobs a call   [2] how often somebody sweeps, in ms   [3] failed jobs to keep   [4] stalls a job survives
-- ARGV[5] error of a stall (JSON)   [6] error of one stall too many (JSON)
-- Returns for each stalled job: id, 'waiting' or 'failed', worker, attempt
--
-- Nobody having swept for long means that Redis or all workers were away: workers that still run
-- their jobs get two intervals to renew their leases before anything counts as stalled.
local interval = tonumber(ARGV[2])
local before = call('HMGET', META, 'swept_at', 'grace_until')
local swept_at, grace_until = tonumber(before[1]) or now, tonumber(before[2]) or 0
call('HSET', META, 'swept_at', now)
if now - swept_at > 3 * interval then
  grace_until = now + 2 * interval
  call('HSET', META, 'grace_until', grace_until)
end

local meta = call('HMGET', META, 'paused', 'paused_until')
if meta[1] and meta[2] and tonumber(meta[2]) <= now then
  call('HDEL', META, 'paused', 'paused_until')
  event('resumed', '', 'by', 'timer')
  wake()
end
promote_due(tonumber(ARGV[1]))
for _, worker in ipairs(call('ZRANGEBYSCORE', PREFIX .. 'alive', '-inf', now, 'LIMIT', 0, 100)) do
  call('ZREM', PREFIX .. 'alive', worker)
  call('HDEL', PREFIX .. 'descriptions', worker)
  call('HDEL', PREFIX .. 'orders', worker)
end
local stalled = {}
if now < grace_until then return stalled end

local function end_of_stalled(id, job, state, error, extra)
  append_error(id, error)
  finish_job(id, state, job, '', state == 'failed' and tonumber(ARGV[3]) or 100, extra)
end

for _, id in ipairs(call('ZRANGEBYSCORE', ACTIVE, '-inf', now, 'LIMIT', 0, ARGV[1])) do
  local found = call('HMGET', JOB .. id, 'state', 'worker', 'group', 'dedup', 'mode', 'follower', 'cancel', 'priority', 'attempt',
    'dependents')
  if found[1] ~= 'active' then
    call('ZREM', ACTIVE, id)
  else
    local job = {dedup = found[4], mode = found[5], follower = found[6], attempt = found[9], dependents = found[10]}
    leave_active(id, found[2], found[3])
    local stalls = call('HINCRBY', JOB .. id, 'stalls', 1)
    call('HDEL', JOB .. id, 'token')
    call('HINCRBY', META, 'total_stalled', 1)
    event('stalled', id, 'attempt', found[9], 'worker', found[2])
    local outcome = 'waiting'
    if found[7] then
      outcome = 'cancelled'
      end_of_stalled(id, job, 'cancelled', ARGV[5], {'worker', found[2], 'why', found[7]})
    elseif stalls > tonumber(ARGV[4]) then
      outcome = 'failed'
      end_of_stalled(id, job, 'failed', ARGV[6], {'worker', found[2], 'error', ARGV[6]})
    else
      append_error(id, ARGV[5])
      call('HINCRBY', JOB .. id, 'attempt', -1)
      call('HSET', JOB .. id, 'state', 'waiting')
      call('ZADD', SOLO, score_first(found[8]), id)
      wake()
    end
    local n = #stalled
    stalled[n + 1], stalled[n + 2], stalled[n + 3], stalled[n + 4] = id, outcome, found[2] or '', found[9] or '0'
  end
end
settle()
return stalled
