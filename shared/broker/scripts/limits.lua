-- Sets the queue's limits; '' leaves one as it is, '0' takes it away.
--
-- ARGV[1] cap over all replicas   [2] jobs a window   [3] window in ms   [4] jobs a window and group
-- ARGV[5] that window in ms   [6] running jobs a group
-- Returns 1
local function set(value, field, partner, partner_value)
  if value == '' then return end
  if value == '0' then
    call('HDEL', META, field)
    if partner then call('HDEL', META, partner) end
    return
  end
  call('HSET', META, field, value)
  if partner then call('HSET', META, partner, partner_value) end
end
set(ARGV[1], 'cap')
set(ARGV[2], 'rate_n', 'rate_ms', ARGV[3])
if ARGV[2] ~= '' then call('HDEL', META, 'rate_tat') end
set(ARGV[4], 'group_n', 'group_ms', ARGV[5])
set(ARGV[6], 'group_cap')
-- Every group with parked jobs looks again under the new limits.
for _, group in ipairs(call('ZRANGE', GROUPS, 0, 999)) do call('ZADD', GROUPS, now, group) end
wake()
return 1
