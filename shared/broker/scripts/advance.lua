-- One step of a worker: reports what its threads finished and takes what they may run next.
--
-- ARGV[1] worker   [2] token of this fetch   [3] lease in ms   [4] free threads   [5] jobs it still holds
-- ARGV[6] number of finishes, then 7 arguments each:
--   id, token, outcome (completed, failed, cancelled, delayed, released, parked), result or error (JSON or ''),
--   delay in ms, duration in ms, how many finished jobs of that kind to keep
-- then, if calls to a provider are watched: settings of the breaker (see breaking.lua), and for each finish + (the
--   provider answered), - (it did not) or . (it was not called)
-- Returns {now, ms until something is due or -1, recount (0 or 1), news of the breaker (opened, reopened or closed,
--   | and why) or '', statuses of the finishes as one string (a applied, b goes back since the breaker is open,
--   d done before, c applied as cancelled, l lease lost, g gone),
--   then for each job taken: id, message, attempt, stalls, released ms, progress or ''}
-- A repeated call with the same tokens finds its finishes done before and changes nothing twice.
local worker, token, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])
local room, held, finishes = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local breaker_settings, provider_calls = ARGV[7 + finishes * 7], ARGV[8 + finishes * 7]
local statuses, left = {}, {}

local function go_back(id, job, outcome, error, delay)
  local no_attempt = outcome ~= 'delayed'
  if no_attempt then
    call('HINCRBY', JOB .. id, 'attempt', -1)
    -- What is parked waits for another worker: that must not count against the actor's own releases.
    if outcome == 'released' and delay > 0 then call('HINCRBY', JOB .. id, 'released', delay) end
    event('released', id, 'attempt', job.attempt, 'worker', job.worker, 'delay', delay)
  else
    event('delayed', id, 'attempt', job.attempt, 'worker', job.worker, 'delay', delay, 'error', error)
  end
  if error ~= '' then append_error(id, error) end
  if delay > 0 then
    call('HSET', JOB .. id, 'state', 'delayed')
    call('ZADD', DELAYED, now + delay, id)
  else
    call('HSET', JOB .. id, 'state', 'waiting')
    if no_attempt then
      make_runnable(id, score_first(job.priority), job.group)
    else
      make_runnable(id, score_last(job.priority), job.group)
    end
  end
end

-- The provider is down: no attempt is used, and another job is the next probe.
local function wait_for_breaker(id, job, error)
  call('HINCRBY', JOB .. id, 'attempt', -1)
  event('released', id, 'attempt', job.attempt, 'worker', job.worker, 'delay', 0)
  append_error(id, error)
  call('HSET', JOB .. id, 'state', 'waiting')
  make_runnable(id, score_last(job.priority), job.group)
end

local function finish(first, called)
  local id, its_token, outcome, payload = ARGV[first], ARGV[first + 1], ARGV[first + 2], ARGV[first + 3]
  local found = call('HMGET', JOB .. id, 'state', 'token', 'group', 'dedup', 'mode', 'follower', 'cancel', 'worker',
    'priority', 'attempt', 'msg', 'started', 'errors', 'stalls', 'released', 'progress', 'dependents')
  if not found[1] then return 'g' end
  if found[2] ~= its_token then return 'l' end
  if found[1] ~= 'active' then return 'd' end
  local job = {group = found[3], dedup = found[4], mode = found[5], follower = found[6], worker = found[8],
    priority = found[9], attempt = found[10], dependents = found[17]}
  left[#left + 1] = id
  if job.group then group_left(job.group) end
  local is_down = breaker_settings and circuit_note(breaker_settings, called, id, its_token, payload)
  if is_down and not found[7] and (outcome == 'delayed' or outcome == 'failed') then
    wait_for_breaker(id, job, payload)
    return 'b'
  end
  local going_back = outcome == 'delayed' or outcome == 'released' or outcome == 'parked'
  if going_back and not found[7] then
    go_back(id, job, outcome, payload, tonumber(ARGV[first + 4]))
    return 'a'
  end
  local extra = {'worker', job.worker, 'duration', ARGV[first + 5]}
  if outcome == 'completed' then
    job.read = {found[11], found[12], found[13], found[14], found[15], found[16], found[4]}
    finish_job(id, 'completed', job, payload, tonumber(ARGV[first + 6]), extra)
    return 'a'
  end
  if payload ~= '' then append_error(id, payload) end
  extra[#extra + 1] = 'error'
  extra[#extra + 1] = payload
  if outcome == 'failed' then
    finish_job(id, 'failed', job, '', tonumber(ARGV[first + 6]), extra)
    return 'a'
  end
  extra[#extra + 1] = 'why'
  extra[#extra + 1] = found[7] or ''
  finish_job(id, 'cancelled', job, '', 100, extra)
  return going_back and 'c' or 'a'
end

for i = 0, finishes - 1 do
  statuses[i + 1] = finish(7 + i * 7, provider_calls and string.sub(provider_calls, i + 1, i + 1))
end
circuit_keep()
if #left > 0 then
  call('ZREM', ACTIVE, unpack(left))
  -- A token is one worker's, so all of these were this worker's.
  if call('HINCRBY', WORKERS, worker, -#left) <= 0 then call('HDEL', WORKERS, worker) end
end
settle()

local recount = (tonumber(call('HGET', WORKERS, worker)) or 0) ~= held and 1 or 0
promote_due(100)

local meta = call('HMGET', META, 'paused', 'paused_until', 'cap', 'rate_n', 'rate_ms', 'rate_tat', 'breaker',
  'breaker_probe_at')
local wait_until = math.huge
local may_take = room
if meta[1] then
  local until_ms = tonumber(meta[2])
  if until_ms and until_ms <= now then
    call('HDEL', META, 'paused', 'paused_until')
    event('resumed', '', 'by', 'timer')
    meta[1] = false
  else
    may_take = 0
    wait_until = until_ms or math.huge
  end
end
if meta[7] and may_take > 0 then
  local admitted, look_at = circuit_admits(meta[8])
  may_take, wait_until = math.min(may_take, admitted), math.min(wait_until, look_at)
end
local runnable_cap = math.huge
if meta[3] then runnable_cap = math.max(tonumber(meta[3]) - call('ZCARD', ACTIVE), 0) end
local interval, tolerance, tat
if meta[4] then
  -- A twentieth of the window's jobs may come in a burst; the rest are spaced so that no window holds more.
  local burst = math.floor(meta[4] / 20)
  interval = tonumber(meta[5]) / (tonumber(meta[4]) - burst)
  tolerance = interval * math.max(burst, 1)
  tat = math.max(tonumber(meta[6]) or 0, now)
  local allowed = math.floor((now + tolerance - tat) / interval)
  runnable_cap = math.min(runnable_cap, math.max(allowed, 0))
  if allowed <= 0 then wait_until = math.min(wait_until, math.ceil(tat + interval - tolerance)) end
end
if may_take > runnable_cap and runnable_cap == 0 and call('ZCARD', WAITING) > 0 then
  -- A fetch that a limit held back, with something to take.
  call('HINCRBY', META, tat and tat + interval - tolerance > now and 'limited_rate' or 'limited_concurrency', 1)
end
may_take = math.min(may_take, runnable_cap)

local reply = {now, -1, recount, news, ''}
local leases, taken = {}, 0
local expiry = string.format('%.0f', now + lease)

local function take(id, job)
  local attempt = string.format('%d', (tonumber(job[2]) or 0) + 1)
  call('HSET', JOB .. id, 'state', 'active', 'token', token, 'worker', worker, 'started', NOW, 'attempt', attempt)
  event('active', id, 'attempt', attempt, 'worker', worker)
  leases[#leases + 1] = expiry
  leases[#leases + 1] = id
  taken = taken + 1
  local n = #reply
  reply[n + 1], reply[n + 2], reply[n + 3] = id, job[1] or '', tonumber(attempt)
  reply[n + 4], reply[n + 5], reply[n + 6] = tonumber(job[3]) or 0, tonumber(job[4]) or 0, job[5] or ''
end

local function read(id)
  return call('HMGET', JOB .. id, 'msg', 'attempt', 'stalls', 'released', 'progress', 'group', 'state')
end

-- A once-stalled job runs alone on its worker: the first worker that meets it drains, then takes it.
local function take_solo()
  local solo = call('ZRANGE', SOLO, 0, 0, 'WITHSCORES')
  if not solo[1] then return false end
  local head = call('ZRANGE', WAITING, 0, 0, 'WITHSCORES')
  if head[1] and tonumber(head[2]) < tonumber(solo[2]) then return false end
  local owner = call('HMGET', META, 'solo_worker', 'solo_until')
  if held > 0 then
    if not owner[1] or owner[1] == worker or tonumber(owner[2]) < now then
      call('HSET', META, 'solo_worker', worker, 'solo_until', now + lease)
      return true
    end
    return false
  end
  call('HDEL', META, 'solo_worker', 'solo_until')
  call('ZREM', SOLO, solo[1])
  local job = read(solo[1])
  if job[7] ~= 'waiting' then return false end
  if job[6] then call('HINCRBY', PREFIX .. 'group:' .. job[6], 'n', 1) end
  take(solo[1], job)
  return true
end

if may_take > 0 and not take_solo() then
  for _ = 1, 200 do
    if taken >= may_take then break end
    local popped = call('ZPOPMIN', WAITING, may_take - taken)
    if #popped == 0 then break end
    for i = 1, #popped, 2 do
      local id = popped[i]
      local job = read(id)
      local group = job[6]
      if job[7] ~= 'waiting' then
        -- no record or not waiting: nothing to run, and nothing is lost by forgetting the id
      elseif (tonumber(job[3]) or 0) > 0 then
        -- It stalled once and came back by a retry or a release: it still runs alone.
        call('ZADD', SOLO, popped[i + 1], id)
        if group then group_forget(group, id) end
      elseif grouped and group and group_opens(call('HMGET', PREFIX .. 'group:' .. group, 'n', 'tat')) > now then
        if call('HGET', PREFIX .. 'group:' .. group, 'x') == id then call('HDEL', PREFIX .. 'group:' .. group, 'x') end
        group_park(group, id, tonumber(popped[i + 1]))
        group_expose(group)
      else
        take(id, job)
        if group then group_take(group) end
      end
    end
  end
end

if taken > 0 then
  call('ZADD', ACTIVE, unpack(leases))
  call('HINCRBY', WORKERS, worker, taken)
  if tat then call('HSET', META, 'rate_tat', tat + taken * interval) end
  if meta[7] then circuit_probe(leases[2], token) end
end

-- Whoever fills up leaves a marker for the next worker.
local may_others = not meta[1] and not meta[7] and runnable_cap > taken
if may_others and call('ZCARD', WAITING) + call('ZCARD', SOLO) > 0 then wake() end

local head = call('ZRANGE', DELAYED, 0, 0, 'WITHSCORES')
if head[2] then wait_until = math.min(wait_until, tonumber(head[2])) end
head = call('ZRANGE', GROUPS, 0, 0, 'WITHSCORES')
if head[2] and head[2] ~= 'inf' then wait_until = math.min(wait_until, tonumber(head[2])) end
if wait_until < math.huge then reply[2] = math.max(math.ceil(wait_until - now), 0) end
reply[5] = table.concat(statuses)
return reply
