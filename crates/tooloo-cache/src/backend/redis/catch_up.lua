-- Tells a node what it missed: the changes after the last one it knows, or all marks and the floor.
-- KEYS: state, log. ARGV: the last number that the node knows, or 0.
local known = tonumber(ARGV[1])
local sequence = tonumber(redis.call('HGET', KEYS[1], 'sequence') or '0')
if sequence == 0 or sequence < known then
  -- The server has lost what it knew: its numbers go on above all that any node can have seen.
  local time = redis.call('TIME')
  sequence = math.max(time[1] * 1000000 + time[2], known)
  local number = string.format('%.0f', sequence)
  redis.call('DEL', KEYS[1], KEYS[2])
  redis.call('HSET', KEYS[1], 'sequence', number, 'floor', number)
  return {number, number, 'marks', {}}
end
local floor = redis.call('HGET', KEYS[1], 'floor') or '0'
local number = string.format('%.0f', sequence)
if sequence == known then
  return {number, floor, 'changes', {}}
end
local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
if known > 0 and first and tonumber(string.match(first[1], '^%d+')) <= known + 1 then
  local changes = {}
  local from = string.format('%.0f', known + 1) .. '-0'
  for _, entry in ipairs(redis.call('XRANGE', KEYS[2], from, '+')) do
    table.insert(changes, string.match(entry[1], '^%d+') .. ':' .. entry[2][2] .. ':' .. entry[2][4])
  end
  return {number, floor, 'changes', changes}
end
local marks = {}
local state = redis.call('HGETALL', KEYS[1])
for field = 1, #state, 2 do
  if string.sub(state[field], 1, 2) == 'm:' then
    local at, change = string.match(state[field + 1], '^(%d+):(.*)$')
    table.insert(marks, at .. '::' .. change)
  end
end
return {number, floor, 'marks', marks}
