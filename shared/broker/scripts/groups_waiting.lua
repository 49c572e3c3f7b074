-- Groups with parked jobs, those that come first.
--
-- ARGV[1] how many to look at
-- Returns {how many there are, then for each: name, jobs parked, jobs running, when its rate allows the next (ms) or ''}
local most = tonumber(ARGV[1])
local reply = {call('ZCARD', GROUPS)}
if most == 0 then return reply end
for _, group in ipairs(call('ZRANGE', GROUPS, 0, most - 1)) do
  local state = call('HMGET', PREFIX .. 'group:' .. group, 'n', 'tat')
  local n = #reply
  reply[n + 1], reply[n + 2] = group, call('ZCARD', PREFIX .. 'parked:' .. group)
  reply[n + 3], reply[n + 4] = tonumber(state[1]) or 0, tonumber(state[2]) and tonumber(state[2]) > now and state[2] or ''
end
return reply
