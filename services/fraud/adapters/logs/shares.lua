-- What is known of tenants that have, or had, more than their share of the logs. Stands in front of other scripts.
--
-- The field `over` of the state holds an entry of 20 bytes for each: tag (3 bytes), state (1 byte), the turn of its last
-- change (4 bytes), seconds that its logs stay while it is crowded (4 bytes), until when a log may go that was told so
-- (4 bytes, Unix seconds), when it changed (4 bytes, Unix seconds). The field `turn` counts the changes of all.
--
-- CROWDED: a log that is not there may have gone early. EASED: logs are told again to stay, and what was being decided
-- is stored before anything is swept. OPEN: as any other tenant, once it was swept after the last change.

local OPEN, CROWDED, EASED, ENTRY = 0, 1, 2, 20

-- Returns the place of a tag's entry, nil if there is none.
local function place_of(over, tag)
  local at = string.find(over, tag, 1, true)
  while at and at % ENTRY ~= 1 do at = string.find(over, tag, at + 1, true) end
  return at
end

-- Returns state, turn, seconds, until when logs go early, and when that changed, of the tenant of a log; nil if nothing is known.
local function share_of(over, name)
  local at = place_of(over, string.sub(name, 3, 5))
  if at then return struct.unpack('<BI4I4I4I4', over, at + 3) end
end
