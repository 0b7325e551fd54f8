// An OpenID Connect provider made of the package `oidc-provider`, on loopback.
// Arguments: the port, the address to lead back to, and a JSON file with people by login.
import { readFileSync } from "node:fs";
import { Provider } from "oidc-provider";

const [port, redirectUri, people] = process.argv.slice(-3);
const personOf = (login) => JSON.parse(readFileSync(people, "utf8"))[login];

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: "tracer",
      // Of characters that the Authorization header has to escape.
      client_secret: "a secret+with%41 colon: and /",
      redirect_uris: [redirectUri],
      grant_types: ["authorization_code"],
      response_types: ["code"],
    },
  ],
  claims: {
    email: ["email", "email_verified"],
    profile: ["name", "preferred_username"],
    groups: ["groups"],
  },
  findAccount: (_, login) => {
    const person = personOf(login);
    return person && { accountId: login, claims: () => ({ sub: login, ...person }) };
  },
  pkce: { required: () => true },
  cookies: { keys: ["a key of this run"] },
});
provider.listen(Number(port), "127.0.0.1", () => console.log("listening"));
