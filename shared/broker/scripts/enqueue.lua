-- Creates jobs: at most 1,000 a call, all of them or (client limit, full) none.
--
-- ARGV[1] client of the limit or ''   [2] its jobs a window   [3] the window in ms   [4] most unarchived events
-- ARGV[5] number of jobs, then 12 arguments each:
--   id, message (JSON), priority or '', delay in ms, group or '', deduplication key or '', its mode,
--   its window in ms or '', idempotency key or '', hash of the body, what the index keeps (JSON),
--   place in a flow (JSON: id, onFailure, dependsOn as a list of ids, dependents as its text) or ''
-- then, if the groups come from a group key: '' for the queue's own, = and the key for one that an operator set
-- Returns {'OK', then for each job: id, state, what}: created, known, duplicate, replaced, follow-up, replayed
--   or {'LIMIT', ms until the window ends}, {'FULL', events} or {'CONFLICT'}: an idempotency key came with another body
--   or {'GROUP_KEY', as above}: another group key holds now; the caller takes the groups by that and calls again
local client, count = ARGV[1], tonumber(ARGV[5])

-- What each idempotency key stood for: {hash of the body, id}; checked before anything is created.
local answered = {}
for i = 0, count - 1 do
  local idem = ARGV[14 + i * 12]
  local seen = idem ~= '' and call('GET', PREFIX .. 'idem:' .. idem)
  if seen then
    local bar = string.find(seen, '|', 1, true)
    if string.sub(seen, 1, bar - 1) ~= ARGV[15 + i * 12] then return {'CONFLICT'} end
    answered[i] = string.sub(seen, bar + 1)
  end
end

local group_word_used = ARGV[6 + count * 12]
if group_word_used and group_word_used ~= group_word then return {'GROUP_KEY', group_word} end
if call('XLEN', EVENTS) > tonumber(ARGV[4]) then return {'FULL', call('XLEN', EVENTS)} end
if client ~= '' then
  local key = PREFIX .. 'client:' .. client
  local used = call('INCRBY', key, count)
  if used == count then call('PEXPIRE', key, ARGV[3]) end
  if used > tonumber(ARGV[2]) then
    call('DECRBY', key, count)
    call('HINCRBY', META, 'limited_clients', 1)
    return {'LIMIT', math.max(call('PTTL', key), 1)}
  end
end

local reply = {'OK'}
local function answer(id, state, what)
  reply[#reply + 1] = id
  reply[#reply + 1] = state
  reply[#reply + 1] = what
end

-- A job of a flow notes whom it waits for and who waits for it; its delay begins when it has waited.
local function put_in_flow(fields, delay, place)
  local function put(name, value)
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  end
  if place.dependents then put('dependents', place.dependents) end
  if not place.dependsOn then return end
  put('pending', #place.dependsOn)
  if place.onFailure ~= 'fail' then put('onfail', place.onFailure) end
  if delay > 0 then put('after', delay) end
  for _, dependency in ipairs(place.dependsOn) do put('dep:' .. dependency, 'w') end
end

-- Dependencies that ended before this job was here are put among the releases, as if they ended now.
local function meet_early(id)
  local early = call('HGETALL', PREFIX .. 'early:' .. id)
  for i = 1, #early, 2 do
    local bar = string.find(early[i + 1], '|', 1, true)
    call('XADD', RELEASES, '*', 'job', early[i], 'state', string.sub(early[i + 1], 1, bar - 1),
      'result', string.sub(early[i + 1], bar + 1), 'dependents', cjson.encode({id}))
  end
  if #early > 0 then call('DEL', PREFIX .. 'early:' .. id) end
end

local function create(id, message, priority, delay, group, key, mode, index, state, due, blocker, place)
  local fields = {'msg', NOW .. '|' .. message, 'state', state}
  if priority ~= '' then fields[#fields + 1] = 'priority'; fields[#fields + 1] = priority end
  if group ~= '' then fields[#fields + 1] = 'group'; fields[#fields + 1] = group end
  if key ~= '' then
    fields[#fields + 1] = 'dedup'; fields[#fields + 1] = key
    fields[#fields + 1] = 'mode'; fields[#fields + 1] = mode
  end
  if blocker then
    fields[#fields + 1] = 'blocker'; fields[#fields + 1] = blocker
    fields[#fields + 1] = 'due'; fields[#fields + 1] = due
  end
  if place then put_in_flow(fields, delay, place) end
  call('HSET', JOB .. id, unpack(fields))
  if place and state == 'blocked' then
    call('ZADD', BLOCKED, NOW, id)
    event('blocked', id, 'flow', place.id, 'waitsFor', #place.dependsOn, 'index', index, 'created', NOW)
    meet_early(id)
  elseif state == 'blocked' then
    call('ZADD', BLOCKED, NOW, id)
    event('blocked', id, 'by', blocker, 'index', index, 'created', NOW)
  elseif state == 'delayed' then
    call('ZADD', DELAYED, due, id)
    event('delayed', id, 'delay', delay, 'index', index, 'created', NOW)
    local head = call('ZRANGE', DELAYED, 0, 0)
    if head[1] == id then wake() end
  else
    event('waiting', id, 'index', index, 'created', NOW)
    make_runnable(id, score_last(priority), group ~= '' and group or nil)
  end
end

local function replace_message(id, message, index)
  local old = call('HGET', JOB .. id, 'msg')
  local bar = string.find(old, '|', 1, true)
  call('HSET', JOB .. id, 'msg', string.sub(old, 1, bar) .. message)
  event('replaced', id, 'index', index, 'created', string.sub(old, 1, bar - 1))
end

-- Answers for a job whose key another unfinished job holds; true when the request is settled by that.
local function meet_holder(holder, id, message, priority, delay, group, key, mode, index)
  local held = call('HMGET', JOB .. holder, 'state', 'attempt', 'follower')
  if mode == 'ttl' then
    call('HINCRBY', META, 'dedup_hits', 1)
    if held[1] then
      call('HINCRBY', JOB .. holder, 'absorbed', 1)
      event('deduplicated', holder)
    end
    answer(holder, held[1] or 'completed', 'duplicate')
    return true
  end
  if not held[1] or is_finished(held[1]) then return false end
  call('HINCRBY', META, 'dedup_hits', 1)
  call('HINCRBY', JOB .. holder, 'absorbed', 1)
  if mode ~= 'replace' then
    event('deduplicated', holder)
    answer(holder, held[1], 'duplicate')
    return true
  end
  if held[1] ~= 'active' and (tonumber(held[2]) or 0) == 0 then
    replace_message(holder, message, index)
    answer(holder, held[1], 'replaced')
    return true
  end
  local follower = held[3]
  if follower and call('HGET', JOB .. follower, 'state') == 'blocked' then
    replace_message(follower, message, index)
    answer(follower, 'blocked', 'replaced')
    return true
  end
  call('HSET', JOB .. holder, 'follower', id)
  create(id, message, priority, delay, group, key, mode, index, 'blocked', now + delay, holder)
  answer(id, 'blocked', 'follow-up')
  return true
end

local function enqueue(first)
  local id, message, priority, delay = ARGV[first], ARGV[first + 1], ARGV[first + 2], tonumber(ARGV[first + 3])
  local group, key, mode, window = ARGV[first + 4], ARGV[first + 5], ARGV[first + 6], ARGV[first + 7]
  local index = ARGV[first + 10]
  local known = call('HGET', JOB .. id, 'state')
  if known then return answer(id, known, 'known') end
  if key ~= '' then
    local name = PREFIX .. 'dedup:' .. key
    local holder = call('GET', name)
    if holder and holder ~= id and string.sub(holder, 1, 2) ~= 'r:'
      and meet_holder(holder, id, message, priority, delay, group, key, mode, index) then
      return
    end
    if mode == 'ttl' then call('SET', name, id, 'PX', window) else call('SET', name, id) end
  end
  local place = ARGV[first + 11] ~= '' and cjson.decode(ARGV[first + 11]) or nil
  local state = delay > 0 and 'delayed' or 'waiting'
  if place and place.dependsOn then state = 'blocked' end
  create(id, message, priority, delay, group, key, mode, index, state, now + delay, nil, place)
  answer(id, state, 'created')
end

for i = 0, count - 1 do
  local first = 6 + i * 12
  local idem, hash = ARGV[first + 8], ARGV[first + 9]
  if answered[i] then
    answer(answered[i], call('HGET', JOB .. answered[i], 'state') or 'completed', 'replayed')
  else
    enqueue(first)
    if idem ~= '' then
      call('SET', PREFIX .. 'idem:' .. idem, hash .. '|' .. reply[#reply - 2], 'PX', 86400000)
    end
  end
end
return reply
