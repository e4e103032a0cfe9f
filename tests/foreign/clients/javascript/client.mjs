// Answer calls by the AWS SDK for JavaScript; ../answering.py describes them.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

// The packages are installed in the folder from which this is started.
const require = createRequire(`${process.cwd()}/`);
const sdk = require("@aws-sdk/client-customer-profiles");
const { version } = require("@aws-sdk/client-customer-profiles/package.json");

const clients = new Map();

function clientOf({ region, key, secret }) {
  const scope = JSON.stringify([region, key, secret]);
  if (!clients.has(scope)) {
    const credentials = key && { accessKeyId: key, secretAccessKey: secret };
    clients.set(
      scope,
      new sdk.CustomerProfilesClient({ ...(region && { region }), ...(credentials && { credentials }) }),
    );
  }
  return clients.get(scope);
}

function withDates(_, value) {
  const isDate = value?.$date !== undefined && Object.keys(value).length === 1;
  return isDate ? new Date(value.$date) : value;
}

// JSON.stringify calls toJSON before a replacer, so dates are found here.
function plain(value) {
  if (value instanceof Date) return { $date: value.toISOString() };
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
}

async function answer(call) {
  const Command = sdk[`${call.operation}Command`];
  if (Command === undefined) return { lacking: true };
  const client = clientOf(call);
  try {
    if (call.page_size !== undefined) {
      const items = [];
      let pages = 0;
      const paginate = sdk[`paginate${call.operation}`];
      for await (const page of paginate({ client, pageSize: call.page_size }, call.input)) {
        items.push(...page[call.items]);
        pages += 1;
      }
      return { items, pages };
    }
    const { $metadata, ...output } = await client.send(new Command(call.input));
    return { output, status: $metadata.httpStatusCode, request_id: $metadata.requestId };
  } catch (error) {
    if (!(error instanceof sdk.CustomerProfilesServiceException)) throw error;
    return {
      error: {
        class: error.constructor.name,
        code: error.name,
        message: error.message,
        status: error.$metadata.httpStatusCode,
        request_id: error.$metadata.requestId,
      },
    };
  }
}

function write(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

write({ client: "AWS SDK for JavaScript", version });
for await (const line of createInterface({ input: process.stdin })) {
  write(plain(await answer(JSON.parse(line, withDates))));
}
