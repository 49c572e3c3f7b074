-- Changes or shows the queue's limits. They come in two layers: what an operator set wins over what the environment of
-- a starting worker says, until it is reset.
--
-- ARGV[1] environment, operator, preview (what operator would do, without doing it) or show   [2] changes (JSON object of the names below; null takes a limit away)
-- ARGV[3] names that an operator gives back to the environment (JSON list)
-- Names: cap (running jobs over all replicas), rate ("jobs/window in ms"), group_rate, group_cap (of each group),
--   group_key (path in the data)
-- Returns {limits before, limits after, the operator's layer}, JSON objects each
local NAMES = {'cap', 'rate', 'group_rate', 'group_cap', 'group_key'}

local stored = call('HMGET', META, 'limits_environment', 'limits_operator')
local layers = {environment = cjson.decode(stored[1] or '{}'), operator = cjson.decode(stored[2] or '{}')}

local function in_force()
  local limits = {}
  for _, name in ipairs(NAMES) do
    local value = layers.operator[name]
    if value == nil then value = layers.environment[name] end
    if value ~= nil then limits[name] = value end
  end
  return limits
end

local before = in_force()
local was = cjson.encode(before)
if ARGV[1] == 'show' then return {was, was, cjson.encode(layers.operator)} end

local layer = layers[ARGV[1] == 'preview' and 'operator' or ARGV[1]]
for name, value in pairs(cjson.decode(ARGV[2])) do layer[name] = value end
for _, name in ipairs(cjson.decode(ARGV[3])) do layers.operator[name] = nil end
local after = in_force()
if ARGV[1] == 'preview' then return {was, cjson.encode(after), cjson.encode(layers.operator)} end
call('HSET', META, 'limits_environment', cjson.encode(layers.environment), 'limits_operator', cjson.encode(layers.operator))

local function given(name)
  local value = after[name]
  return value ~= nil and value ~= cjson.null and value or nil
end

local function set(field, value)
  if value then call('HSET', META, field, value) else call('HDEL', META, field) end
end

local function set_rate(name, jobs, window)
  local n, ms = string.match(given(name) or '', '^(%d+)/(%d+)$')
  set(jobs, n)
  set(window, ms)
end

local changed = {}
for _, name in ipairs(NAMES) do changed[name] = before[name] ~= after[name] end
set('cap', given('cap'))
set_rate('rate', 'rate_n', 'rate_ms')
if changed.rate then call('HDEL', META, 'rate_tat') end
set_rate('group_rate', 'group_n', 'group_ms')
set('group_cap', given('group_cap'))
-- A key that an operator took away is an empty one: producers would use their own otherwise.
if after.group_key == nil then call('HDEL', META, 'group_key') else call('HSET', META, 'group_key', given('group_key') or '') end
-- Groups with parked jobs look again under the new limits.
for _, group in ipairs(call('ZRANGE', GROUPS, 0, 999)) do call('ZADD', GROUPS, now, group) end
wake()
return {was, cjson.encode(after), cjson.encode(layers.operator)}
