/** Messages kept for a caller that has not attached yet: 30 s of media, then the oldest goes, counted. */
const MAX_EARLY_MESSAGES = 1500;

/** Bytes (or UTF-16 units) kept for that caller; beyond it the oldest goes, counted. */
const MAX_EARLY_LENGTH = 4 * 1024 * 1024;

/** What is asked of a socket: a browser's WebSocket and the sockets of the ws package are both fine. */
export interface HandshakeSocket {
  readonly readyState: number;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  addEventListener(type: "close" | "error", listener: (event: object) => void): void;
  removeEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  removeEventListener(type: "close", listener: (event: object) => void): void;
}

/** Who looks at messages as they come, while the handshake lasts. */
export interface Watcher {
  onMessage(data: string | Uint8Array): "taken" | "kept";
  onClose(): void;
  onError(error: unknown): void;
}

/** Listens to one socket; keeps its messages until somebody attaches, then passes them on. */
export class Inbox {
  readonly messages: (string | Uint8Array)[] = [];
  droppedCount = 0;
  readonly #socket: HandshakeSocket;
  #length = 0;
  #closed = false;
  #watcher: Watcher | null = null;
  #listener: ((data: string | Uint8Array) => void) | null = null;
  #closeListener: (() => void) | undefined;

  constructor(socket: HandshakeSocket) {
    this.#socket = socket;
    socket.addEventListener("message", this.#onMessage);
    socket.addEventListener("close", this.#onClose);
    // Never taken off: a ws socket that fails without an error listener takes the process down.
    socket.addEventListener("error", this.#onError);
  }

  watch(watcher: Watcher | null): void {
    this.#watcher = watcher;
  }

  attach(listener: (data: string | Uint8Array) => void, closeListener?: () => void): void {
    // A listener that throws keeps the messages after the one it threw at.
    for (let data = this.messages.shift(); data !== undefined; data = this.messages.shift()) {
      this.#length -= data.length;
      listener(data);
    }
    this.#listener = listener;
    this.#closeListener = closeListener;
    if (this.#closed) this.#tellClosed();
  }

  detach(): void {
    this.#socket.removeEventListener("message", this.#onMessage);
    this.#socket.removeEventListener("close", this.#onClose);
    this.#listener = null;
    this.#closeListener = undefined;
  }

  readonly #onMessage = (event: { data: unknown }): void => {
    const data = event.data instanceof ArrayBuffer ? new Uint8Array(event.data) : event.data;
    // Wavix sends text; a Blob or a list of fragments cannot be read here and now.
    if (typeof data !== "string" && !(data instanceof Uint8Array)) {
      this.droppedCount++;
      return;
    }
    if (this.#listener !== null) {
      this.#listener(data);
    } else if (this.#watcher?.onMessage(data) !== "taken") {
      this.#keep(data);
    }
  };

  readonly #onClose = (): void => {
    this.#closed = true;
    if (this.#watcher !== null) this.#watcher.onClose();
    else this.#tellClosed();
  };

  readonly #onError = (event: object): void => {
    this.#watcher?.onError("error" in event ? event.error : undefined);
  };

  #keep(data: string | Uint8Array): void {
    this.messages.push(data);
    this.#length += data.length;
    while (this.messages.length > MAX_EARLY_MESSAGES || this.#length > MAX_EARLY_LENGTH) {
      this.#length -= this.messages.shift()?.length ?? 0;
      this.droppedCount++;
    }
  }

  #tellClosed(): void {
    const tell = this.#closeListener;
    this.#closeListener = undefined;
    tell?.();
  }
}
