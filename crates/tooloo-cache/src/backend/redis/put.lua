-- Stores an entry, unless another node has changed the key since the entry's fill began.
-- KEYS: the entry, the key's last change. ARGV: node, sequence of the entry, envelope, milliseconds to live.
local change = redis.call('GET', KEYS[2])
if change then
  local sequence, node = string.match(change, '^(%d+):(.*)$')
  if node ~= ARGV[1] and tonumber(sequence) > tonumber(ARGV[2]) then
    return 0
  end
end
if ARGV[4] == '0' then
  redis.call('SET', KEYS[1], ARGV[3])
else
  redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
end
return 1
