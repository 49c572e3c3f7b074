-- Everything that decides when one job runs, read at one moment; each read is constant or logarithmic.
--
-- ARGV[1] id   [2] how many of the last completed jobs to measure
-- Returns {} without a record, else {now, fields of the record (see below), due ms or '', end of its lease or '',
--   where a waiting one stands (waiting, solo, parked or ''), jobs before it there and in line,
--   {its group's running jobs, next allowed time, exposed job, jobs parked}, its blocker's state or '',
--   {waiting, solo, active}, workers alive, their descriptions, ms that the last completed jobs took, meta as flat list}
local id = ARGV[1]
local found = call('HMGET', JOB .. id, 'state', 'attempt', 'worker', 'started', 'finished', 'group', 'blocker', 'due',
  'stalls', 'released', 'cancel')
if not found[1] then return {} end

local record = {}
for i = 1, 11 do record[i] = found[i] or '' end

local group = found[6]
local group_state = {'', '', '', 0}
local parked = group and PREFIX .. 'parked:' .. group
if group then
  local state = call('HMGET', PREFIX .. 'group:' .. group, 'n', 'tat', 'x')
  group_state = {state[1] or '', state[2] or '', state[3] or '', call('ZCARD', parked)}
end

local where, ahead = '', 0
if found[1] == 'waiting' then
  local score = call('ZSCORE', WAITING, id)
  if score then
    where, ahead = 'waiting', call('ZRANK', WAITING, id) + call('ZCOUNT', SOLO, '-inf', '(' .. score)
  else
    score = call('ZSCORE', SOLO, id)
    if score then
      where, ahead = 'solo', call('ZRANK', SOLO, id) + call('ZCOUNT', WAITING, '-inf', '(' .. score)
    elseif parked then
      local rank = call('ZRANK', parked, id)
      if rank then where, ahead = 'parked', rank end
    end
  end
end

local took = {}
for _, done in ipairs(call('ZREVRANGE', PREFIX .. 'completed', 0, tonumber(ARGV[2]) - 1)) do
  local times = call('HMGET', JOB .. done, 'started', 'finished')
  if times[1] and times[2] then took[#took + 1] = tonumber(times[2]) - tonumber(times[1]) end
end

return {now, record, call('ZSCORE', DELAYED, id) or '', call('ZSCORE', ACTIVE, id) or '', where, ahead, group_state,
  found[7] and call('HGET', JOB .. found[7], 'state') or '',
  {call('ZCARD', WAITING), call('ZCARD', SOLO), call('ZCARD', ACTIVE)},
  call('ZCOUNT', PREFIX .. 'alive', now, '+inf'), call('HVALS', PREFIX .. 'descriptions'), took, call('HGETALL', META)}
