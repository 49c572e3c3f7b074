-- An operator's order to one worker: it stays until another one replaces it or the worker is gone.
--
-- ARGV[1] worker   [2] quiet, resume or stop   [3] who   [4] why
-- Returns {'ordered'}, {'missing'} or {'stopping'}: a worker that was told to stop takes no other order
local worker, order = ARGV[1], ARGV[2]
local gone_at = tonumber(call('ZSCORE', PREFIX .. 'alive', worker))
if not gone_at or gone_at <= now then return {'missing'} end
local before = call('HGET', PREFIX .. 'orders', worker)
if before == 'stop' and order ~= 'stop' then return {'stopping'} end
if order == 'resume' then
  call('HDEL', PREFIX .. 'orders', worker)
else
  call('HSET', PREFIX .. 'orders', worker, order)
end
-- The worker looks at its orders when it renews its leases: this makes it do so now.
local control = PREFIX .. 'control:' .. worker
call('RPUSH', control, 'look')
call('PEXPIRE', control, 60000)
event('directed', '', 'worker', worker, 'order', order, 'by', ARGV[3], 'why', ARGV[4])
return {'ordered'}
