// In the page's memory, as a token should be.
let token;

export function signIn(given) {
  token = given;
}

export async function headers() {
  if (!token) throw new Error("Please sign in.");
  return { Authorization: `Bearer ${token}` };
}
