-- Added to lib.lua for scripts that make jobs runnable: group limits, and due work.
--
-- A group has at most one job in waiting; the others are parked until that one is taken and the
-- group's rate and cap allow the next, which then queues behind the other groups (round robin).

local limits = call('HMGET', META, 'group_n', 'group_ms', 'group_cap', 'group_key')
local group_n, group_ms, group_cap = tonumber(limits[1]), tonumber(limits[2]), tonumber(limits[3])
local grouped = group_n or group_cap
local group_word = limits[4] and '=' .. limits[4] or ''  -- as producers tell it: '' while no operator has set a key

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
      call('HINCRBY', META, 'limited_groups', 1)
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
  local due = call('ZRANGEBYSCORE', DELAYED, '-inf', NOW, 'LIMIT', 0, most)
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
    for _, group in ipairs(call('ZRANGEBYSCORE', GROUPS, '-inf', NOW, 'LIMIT', 0, most)) do
      call('ZADD', GROUPS, '+inf', group)
      if group_expose(group) then wake() end
    end
  end
  return #due
end
