-- What no setting of Envoy does. It runs once for every request and for every answer, so each half leaves as early as it can.

-- gRPC takes fewer headers than HTTP: names of letters, digits, "-", "_" and ".", values of printable ASCII. It resets a stream
-- that brings others, which a caller would see as an outage. Those that browsers send by themselves are dropped; any other is
-- refused with its name.
local UNASKED = { ["grpc-encoding"] = true, cookie = true, referer = true, ["user-agent"] = true }

-- names that need no look, because nearly every request has them
local USUAL = {
  [":authority"] = true, [":method"] = true, [":path"] = true, [":scheme"] = true, accept = true, ["accept-encoding"] = true,
  ["accept-language"] = true, authorization = true, ["content-length"] = true, ["content-type"] = true, cookie = true,
  ["grpc-timeout"] = true, origin = true, referer = true, te = true, traceparent = true, ["user-agent"] = true,
  ["x-envoy-internal"] = true, ["x-forwarded-for"] = true, ["x-forwarded-proto"] = true, ["x-request-id"] = true,
}

local function odd(name, headers)
  if name == "grpc-encoding" or name:sub(-4) == "-bin" then
    -- gRPC's own compression and binary metadata mean nothing in REST, and the service would try to decode them
    return not (headers:get("content-type") or ""):find("^application/grpc")
  end
  return name:find("[^%w_.-]") ~= nil
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local unasked
  for name, value in pairs(headers) do
    if value:find("[^ -~]") or (not USUAL[name] and odd(name, headers)) then
      if not UNASKED[name] then
        handle:respond({ [":status"] = "400" }, "the header " .. name .. " is not one that a call can carry")
        return
      end
      unasked = unasked or {}
      unasked[#unasked + 1] = name
    end
  end
  for _, name in ipairs(unasked or {}) do
    headers:remove(name)
  end
end

-- Errors of services get the `status` string that Envoy's own replies have and the transcoder leaves out, and a RetryInfo
-- becomes Retry-After.
local NAMES = {
  [1] = "CANCELLED", [2] = "UNKNOWN", [3] = "INVALID_ARGUMENT", [4] = "DEADLINE_EXCEEDED", [5] = "NOT_FOUND",
  [6] = "ALREADY_EXISTS", [7] = "PERMISSION_DENIED", [8] = "RESOURCE_EXHAUSTED", [9] = "FAILED_PRECONDITION",
  [10] = "ABORTED", [11] = "OUT_OF_RANGE", [12] = "UNIMPLEMENTED", [13] = "INTERNAL", [14] = "UNAVAILABLE",
  [15] = "DATA_LOSS", [16] = "UNAUTHENTICATED",
}

-- a message that fits in JSON and not as protobuf: the service's gRPC library refuses it in its own words
local TOO_LARGE = '"message":"the body is larger than this call takes","details":[{"@type":'
  .. '"type.googleapis.com/google.rpc.ErrorInfo","reason":"BODY_TOO_LARGE","domain":"gateway.cine","metadata":{}}]}'

function envoy_on_response(handle)
  local early = handle:headers()
  if early:get(":status") == "401" and not early:get("www-authenticate") then
    early:add("www-authenticate", "Bearer")
  end
  if early:get(":status") < "400" or early:get("content-type") ~= "application/json" then
    return
  end
  local buffer = handle:body()
  if buffer == nil then
    return
  end
  local headers = handle:headers() -- waiting for the body made the first one invalid
  local body = buffer:getBytes(0, buffer:length())
  -- the transcoder writes its members in this order; the gateway's own replies come sorted, so they never match
  local code, rest = body:match('^{"code":(%d+),("message":.*)$')
  local name = code and NAMES[tonumber(code)]
  if not name then
    return
  end
  local seconds = rest:match('"@type":"type%.googleapis%.com/google%.rpc%.RetryInfo","retry_?[dD]elay":"(%d+%.?%d*)s"')
  if seconds then
    headers:replace("retry-after", tostring(math.max(1, math.ceil(tonumber(seconds)))))
  end
  if code == "8" and rest:find("Received message larger than max", 1, true) then
    headers:replace(":status", "413")
    rest = TOO_LARGE
  end
  body = '{"code":' .. code .. ',"status":"' .. name .. '",' .. rest
  headers:replace("content-length", tostring(buffer:setBytes(body)))
end
