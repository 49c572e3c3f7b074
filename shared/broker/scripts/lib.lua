-- Shared by every script: names of the keys, Redis time, and the transitions that several scripts make.
--
-- KEYS[1]  doko:{queue}:meta; every other key has the same prefix and so the same slot:
--   job:<id> hash      msg (created|json), state, attempt, token, worker, started, finished, result, errors,
--                      progress, stalls, released, priority, group, dedup, mode, absorbed, cancel, follower, blocker, due
--   waiting  zset      score = priority * 2^40 + arrival          solo     zset  once-stalled jobs, same score
--   delayed  zset      score = due time                           active   zset  score = lease expiry
--   completed, failed, cancelled zset  score = finish time        blocked  zset  score = creation time
--   events   stream    every transition                           marker   list  wakes one blocked worker
--   workers  hash      worker -> jobs it holds                    alive    zset  worker -> last sign of life
--   groups   zset      groups with parked jobs -> next look       parked:<group> zset  its jobs that must wait
--   group:<group> hash n (running), tat (next allowed time), x (its job that stands in waiting)
--   dedup:<key> string id of the holder, or r:<id> for a reservation
--   idem:<owner>:<key> string hash|id for 24 h                   client:<client> string jobs in this window
--   control:<worker> list orders to cancel: token id             descriptions hash worker -> JSON
--   meta     hash      pause, limits, counters
local call = redis.call
local PREFIX = string.sub(KEYS[1], 1, -5)
local JOB = PREFIX .. 'job:'
local META = KEYS[1]
local WAITING, SOLO, DELAYED, ACTIVE = PREFIX .. 'waiting', PREFIX .. 'solo', PREFIX .. 'delayed', PREFIX .. 'active'
local EVENTS, MARKER, WORKERS, GROUPS = PREFIX .. 'events', PREFIX .. 'marker', PREFIX .. 'workers', PREFIX .. 'groups'
local BLOCKED = PREFIX .. 'blocked'
local BAND, MIDDLE = 1099511627776, 549755813888  -- 2^40 arrivals a priority, counted up and down from 2^39
local DEFAULT_PRIORITY = 50

local clock = call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function event(name, id, ...)
  call('XADD', EVENTS, '*', 'event', name, 'job', id, ...)
end

-- Wakes one blocked worker; a marker that nobody took yet is enough.
local function wake()
  if call('LLEN', MARKER) == 0 then call('RPUSH', MARKER, '1') end
end

local function score_last(priority)
  return (tonumber(priority) or DEFAULT_PRIORITY) * BAND + MIDDLE + call('HINCRBY', META, 'tail', 1)
end

local function score_first(priority)
  return (tonumber(priority) or DEFAULT_PRIORITY) * BAND + MIDDLE + call('HINCRBY', META, 'head', -1)
end

local function is_finished(state)
  return state == 'completed' or state == 'failed' or state == 'cancelled'
end

-- Group limits ------------------------------------------------------------------------------------
-- A group has at most one job in waiting; the others are parked until that one is taken and the
-- group's rate and cap allow the next, which then queues behind the other groups (round robin).

local limits = call('HMGET', META, 'group_n', 'group_ms', 'group_cap')
local group_n, group_ms, group_cap = tonumber(limits[1]), tonumber(limits[2]), tonumber(limits[3])
local grouped = group_n or group_cap

-- When the group may run its next job: now or earlier, a later time, or math.huge at its cap.
local function group_opens(state)
  if group_cap and (tonumber(state[1]) or 0) >= group_cap then return math.huge end
  return group_n and tonumber(state[2]) or 0
end

local function group_tidy(group, state)
  local parked = PREFIX .. 'parked:' .. group
  if call('EXISTS', parked) == 1 then return end
  call('ZREM', GROUPS, group)
  if state[3] or (tonumber(state[1]) or 0) > 0 then return end
  local rest = (tonumber(state[2]) or 0) - now
  if rest > 0 then call('PEXPIRE', PREFIX .. 'group:' .. group, math.ceil(rest)) else call('DEL', PREFIX .. 'group:' .. group) end
end

-- Moves the group's next parked job to waiting, or notes when to look again.
local function group_expose(group)
  local key, parked = PREFIX .. 'group:' .. group, PREFIX .. 'parked:' .. group
  local state = call('HMGET', key, 'n', 'tat', 'x')
  if grouped and state[3] and call('ZSCORE', WAITING, state[3]) then return false end
  local opens = grouped and group_opens(state) or 0
  if opens > now then
    if call('EXISTS', parked) == 1 then
      call('ZADD', GROUPS, opens == math.huge and '+inf' or math.ceil(opens), group)
    else
      group_tidy(group, state)
    end
    return false
  end
  local head = call('ZPOPMIN', parked, grouped and 1 or 1000)
  for i = 1, #head, 2 do
    call('HINCRBY', META, 'parked', -1)
    call('ZADD', WAITING, score_last(math.floor(tonumber(head[i + 1]) / BAND)), head[i])
  end
  if #head > 0 and grouped then
    call('PERSIST', key)
    call('HSET', key, 'x', head[1])
    call('ZADD', GROUPS, '+inf', group)
    state[3] = head[1]
  elseif #head > 0 then
    call('ZADD', GROUPS, now, group)
  end
  group_tidy(group, state)
  return #head > 0
end

local function group_park(group, id, score)
  call('ZADD', PREFIX .. 'parked:' .. group, score, id)
  call('ZADD', GROUPS, 'NX', '+inf', group)
  call('HINCRBY', META, 'parked', 1)
end

-- Puts a runnable job into waiting, or parks it behind its group's limits.
local function make_runnable(id, score, group)
  if not (grouped and group) then
    call('ZADD', WAITING, score, id)
    return wake()
  end
  local key, parked = PREFIX .. 'group:' .. group, PREFIX .. 'parked:' .. group
  local state = call('HMGET', key, 'n', 'tat', 'x')
  local exposed_score = state[3] and call('ZSCORE', WAITING, state[3])
  local exposed = exposed_score and state[3]
  if not exposed and group_opens(state) <= now and call('EXISTS', parked) == 0 then
    call('ZADD', WAITING, score, id)
    call('HSET', key, 'x', id)
    call('PERSIST', key)
    return wake()
  end
  if exposed_score and math.floor(score / BAND) < math.floor(tonumber(exposed_score) / BAND) then
    call('ZREM', WAITING, exposed)
    group_park(group, exposed, tonumber(exposed_score))
    call('ZADD', WAITING, score, id)
    call('HSET', key, 'x', id)
    return wake()
  end
  group_park(group, id, score)
  if not exposed and group_expose(group) then return wake() end
  wake()  -- a blocked worker must learn the earlier time at which this group opens
end

-- The group's running count and rate after one of its jobs was taken; counted also while there are no limits, so
-- that a limit set later finds the right number.
local function group_take(group)
  local key = PREFIX .. 'group:' .. group
  call('PERSIST', key)
  call('HDEL', key, 'x')
  call('HINCRBY', key, 'n', 1)
  if not grouped then return end
  if group_n then
    local tat = math.max(tonumber(call('HGET', key, 'tat')) or 0, now) + group_ms / group_n
    call('HSET', key, 'tat', tat)
  end
  group_expose(group)
end

local function group_left(group)
  local key = PREFIX .. 'group:' .. group
  local n = tonumber(call('HGET', key, 'n'))
  if not n then return end
  if n > 0 then call('HINCRBY', key, 'n', -1) end
  if group_expose(group) then wake() end
end

local function group_forget(group, id)
  local key = PREFIX .. 'group:' .. group
  local parked = PREFIX .. 'parked:' .. group
  if call('ZREM', parked, id) == 1 then
    call('HINCRBY', META, 'parked', -1)
    if call('EXISTS', parked) == 0 then call('ZREM', GROUPS, group) end
  elseif call('HGET', key, 'x') == id then
    call('HDEL', key, 'x')
  end
  if group_expose(group) then wake() end
end

-- Due work ----------------------------------------------------------------------------------------

local function promote_due(most)
  local due = call('ZRANGEBYSCORE', DELAYED, '-inf', now, 'LIMIT', 0, most)
  for _, id in ipairs(due) do
    call('ZREM', DELAYED, id)
    local job = call('HMGET', JOB .. id, 'priority', 'group', 'state')
    if job[3] == 'delayed' then
      call('HSET', JOB .. id, 'state', 'waiting')
      event('waiting', id)
      make_runnable(id, score_last(job[1]), job[2])
    end
  end
  if call('ZCARD', GROUPS) > 0 then
    for _, group in ipairs(call('ZRANGEBYSCORE', GROUPS, '-inf', now, 'LIMIT', 0, most)) do
      call('ZADD', GROUPS, '+inf', group)
      if group_expose(group) then wake() end
    end
  end
  return #due
end

-- Leaving the active state and coming to an end ---------------------------------------------------

local function leave_active(id, worker, group)
  call('ZREM', ACTIVE, id)
  if worker and call('HINCRBY', WORKERS, worker, -1) <= 0 then call('HDEL', WORKERS, worker) end
  if group then group_left(group) end
end

local function append_error(id, error)
  local before = call('HGET', JOB .. id, 'errors')
  call('HSET', JOB .. id, 'errors', before and (before .. ',' .. error) or error)
end

-- Frees the deduplication key, or hands it to the follow-up job that waited for this one.
local function release_key(id, key, mode, follower)
  if follower then
    local job = call('HMGET', JOB .. follower, 'state', 'due', 'priority', 'group')
    if job[1] == 'blocked' then
      call('ZREM', BLOCKED, follower)
      call('HDEL', JOB .. follower, 'blocker', 'due')
      if key then call('SET', PREFIX .. 'dedup:' .. key, follower) end
      local due = tonumber(job[2]) or 0
      if due > now then
        call('HSET', JOB .. follower, 'state', 'delayed')
        call('ZADD', DELAYED, due, follower)
        event('delayed', follower, 'delay', due - now)
        wake()
      else
        call('HSET', JOB .. follower, 'state', 'waiting')
        event('waiting', follower)
        make_runnable(follower, score_last(job[3]), job[4])
      end
      return
    end
  end
  if key and mode ~= 'ttl' then
    local name = PREFIX .. 'dedup:' .. key
    if call('GET', name) == id then call('DEL', name) end
  end
end

-- The whole job as JSON, so that whoever reads the event needs no record.
-- `job` is what the caller has read of it: msg, started, errors, stalls, released, progress, dedup.
local function job_record(job, state, attempt, result)
  local msg = job[1] or '0|{}'
  local bar = string.find(msg, '|', 1, true) or 0
  local json = string.sub(msg, bar + 1, -2)
  -- Whoever reads the events must be able to read every one, also that of a job whose message is damaged. A
  -- completed one was read by its worker.
  if state ~= 'completed' and not pcall(cjson.decode, json .. '}') then json = '{"name":"unreadable"' end
  if json ~= '{' then json = json .. ',' end
  return json .. '"createdAt":' .. (tonumber(string.sub(msg, 1, bar - 1)) or 0)
    .. ',"startedAt":' .. (job[2] or 'null') .. ',"finishedAt":' .. now .. ',"state":"' .. state
    .. '","attempt":' .. (attempt or 0) .. ',"stalls":' .. (job[4] or 0) .. ',"releasedMs":' .. (job[5] or 0)
    .. ',"progress":' .. (job[6] or 'null') .. ',"errors":[' .. (job[3] or '') .. ']'
    .. (job[7] and (',"deduplicationKey":' .. cjson.encode(job[7])) or '')
    .. ',"result":' .. (result ~= '' and result or 'null') .. '}'
end

-- What a call finished: sets, totals and retention are written once a call, by settle().
local ended = {}

-- Ends a job that is in no other state's set any more. `extra` are further fields of the event.
local function finish_job(id, state, job, result, keep, extra)
  local read = job.read or call('HMGET', JOB .. id, 'msg', 'started', 'errors', 'stalls', 'released', 'progress', 'dedup')
  local record = job_record(read, state, job.attempt, result)
  event(state, id, 'attempt', job.attempt or 0, 'record', record, unpack(extra))
  local list = ended[state]
  if not list then
    list = {total = 0, keep = keep, members = {}, removed = {}}
    ended[state] = list
  end
  list.total = list.total + 1
  if keep == 0 then
    list.removed[#list.removed + 1] = JOB .. id
  else
    if list.keep == 0 or keep < list.keep then list.keep = keep end
    if result ~= '' then
      call('HSET', JOB .. id, 'state', state, 'finished', now, 'result', result)
    else
      call('HSET', JOB .. id, 'state', state, 'finished', now)
    end
    list.members[#list.members + 1] = now
    list.members[#list.members + 1] = id
  end
  if job.dedup or job.follower then release_key(id, job.dedup, job.mode, job.follower) end
end

-- Removes the oldest finished jobs beyond the number to keep, at most 1,000 a call.
local function settle()
  for state, list in pairs(ended) do
    call('HINCRBY', META, 'total_' .. state, list.total)
    local removed = list.removed
    if #list.members > 0 then
      local set = PREFIX .. state
      call('ZADD', set, unpack(list.members))
      local excess = call('ZCARD', set) - list.keep
      if excess > 0 then
        local old = call('ZPOPMIN', set, math.min(excess, 1000))
        for i = 1, #old, 2 do removed[#removed + 1] = JOB .. old[i] end
      end
    end
    if #removed > 0 then call('UNLINK', unpack(removed)) end
  end
end
