-- Everything an operator's overview needs, from sizes of sets and counters only.
--
-- No arguments.
-- Returns {now, waiting, active, delayed, blocked, completed kept, failed, cancelled, overdue delayed, expired leases,
--   workers alive, events unarchived, oldest waiting id or '', its created ms, meta as flat list}
local oldest = call('ZRANGE', WAITING, 0, 0)[1] or ''
local created = 0
if oldest ~= '' then
  local msg = call('HGET', JOB .. oldest, 'msg') or ''
  created = tonumber(string.match(msg, '^(%d+)|')) or 0
end
return {now,
  call('ZCARD', WAITING) + call('ZCARD', SOLO) + (tonumber(call('HGET', META, 'parked')) or 0),
  call('ZCARD', ACTIVE), call('ZCARD', DELAYED), call('ZCARD', BLOCKED), call('ZCARD', PREFIX .. 'completed'),
  call('ZCARD', PREFIX .. 'failed'), call('ZCARD', PREFIX .. 'cancelled'),
  call('ZCOUNT', DELAYED, '-inf', now), call('ZCOUNT', ACTIVE, '-inf', now),
  call('ZCOUNT', PREFIX .. 'alive', now, '+inf'), call('XLEN', EVENTS), oldest, created, call('HGETALL', META)}
