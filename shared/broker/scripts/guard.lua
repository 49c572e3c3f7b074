-- Added behind lib.lua on a cluster: while a slot is moved key by key, its two nodes each see a part of the queue only.
--
-- The node that gives the slot away refuses to look for a key that it doesn't have, so one that never exists tells.
-- This comes before any write: a script that met the refusal later would leave half a step behind.
local probe = redis.pcall('EXISTS', PREFIX .. 'absent')
if type(probe) == 'table' and probe.err then
  return redis.error_reply('TRYAGAIN the slot of this queue is being moved to another node')
end
