-- wrk script: every request is another line of the file named by REPLAY_FILE. A line is "GET <path>", "GET <path> @<token>"
-- or "POST <path> <body>".
local lines = {}
local at = 0
local offset = 0

function setup(thread)
  offset = offset + 1
  thread:set("first", offset)
end

function init(args)
  for line in io.lines(os.getenv("REPLAY_FILE")) do
    local method, path, body = line:match("^(%S+) (%S+) ?(.*)$")
    local headers = { ["Host"] = "localhost" }
    local token = body:match("^@(%S+)$")
    if token then
      headers["Authorization"] = "Bearer " .. token
      body = ""
    end
    if method == "POST" then headers["Content-Type"] = "application/json" end
    lines[#lines + 1] = wrk.format(method, path, headers, body ~= "" and body or nil)
  end
  at = (first or 0) * 7919 + (tonumber(os.getenv("REPLAY_START") or "0"))
end

function request()
  at = at + 1
  return lines[at % #lines + 1]
end

function done(summary, latency, requests)
  io.write(string.format(
    "RESULT requests=%d duration_us=%d errors=%d p50_us=%d p99_us=%d max_us=%d\n",
    summary.requests, summary.duration,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99), latency.max))
end
