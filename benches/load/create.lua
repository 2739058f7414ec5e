-- For wrk: creates Tasks for the first Worker in the file that CLIENTS names, made by prepare.py. TOKEN is an admin's.
local name_of_file = assert(os.getenv("CLIENTS"), "CLIENTS is not set")
local file = assert(io.open(name_of_file))
local line = file:read("*l")
file:close()
local function value(name)
  return assert(line:match('"' .. name .. '": "([^"]+)"'), "no " .. name .. " in CLIENTS")
end
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. assert(os.getenv("TOKEN"), "TOKEN is not set")
wrk.body = string.format(
  [[{"query":"mutation($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }",]]
    .. [["variables":{"input":{"workspaceId":"%s","workflowId":"%s","timeoutSeconds":3600,]]
    .. [["attributes":{"worker":"%s","skills":["billing","spanish"],"from":"+15005550006"}}}}]],
  value("workspace"), value("known"), value("key"))

function response(status, _, body)
  -- What is refused must not pass for fast.
  assert(status == 200 and not body:find('"errors"'), body)
end
