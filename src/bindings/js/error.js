/** Every error Landfall gives. The Rust side imports this very class, so that `instanceof` holds whoever made it. */
export class LandfallError extends Error {
  constructor(code, retryable, message, cause) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.retryable = retryable;
  }
}

// Not a field: it would be listed with each error that is printed.
Object.defineProperty(LandfallError.prototype, "name", { value: "LandfallError", configurable: true, writable: true });
