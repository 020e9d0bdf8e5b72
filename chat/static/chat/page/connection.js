// The socket to the server: opened again whenever it breaks, until the session is over.
// Events: "frame" with what the server said, "state" when the connection changes.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
const OVER = 4401;
const CHECK_MS = 3000;

export class Connection extends EventTarget {
    #socket = null;
    #tries = 0;
    #timer = 0;
    #ticker = 0;
    #heardAt = 0;
    #heartbeatMs = 15_000;
    #greet;

    // `greet` returns the hello: what this page has seen so far.
    constructor(path, greet) {
        super();
        this.url = new URL(path, location.href);
        this.url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
        this.#greet = greet;
        this.state = { name: "connecting" };
    }

    get isLive() {
        return this.state.name === "live";
    }

    start() {
        addEventListener("online", () => this.#hurry());
        addEventListener("pageshow", () => this.#hurry());
        addEventListener("offline", () => this.#lose());
        document.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
        setInterval(() => this.#check(), CHECK_MS);
        this.#open();
    }

    // Returns whether it went out; what did not, its sender keeps.
    say(frame) {
        if (this.#socket?.readyState !== WebSocket.OPEN) return false;
        this.#socket.send(JSON.stringify(frame));
        return true;
    }

    hello() {
        this.say({ type: "hello", ...this.#greet() });
    }

    #open() {
        clearTimeout(this.#timer);
        clearInterval(this.#ticker);
        if (this.state.name === "over" || this.#socket) return;
        if (!navigator.onLine) return this.#become({ name: "offline" });
        const socket = new WebSocket(this.url);
        this.#socket = socket;
        this.#heardAt = Date.now();
        socket.onopen = () => socket === this.#socket && this.hello();
        socket.onmessage = (event) => socket === this.#socket && this.#hear(JSON.parse(event.data));
        socket.onclose = (event) => socket === this.#socket && this.#closed(event.code);
    }

    #hear(frame) {
        this.#heardAt = Date.now();
        if (frame.type === "welcome") {
            this.#tries = 0;
            this.#heartbeatMs = (frame.heartbeat_sec ?? 15) * 1000;
            this.#become({ name: "live" });
        }
        this.dispatchEvent(new CustomEvent("frame", { detail: frame }));
    }

    #closed(code) {
        this.#socket = null;
        if (code === OVER) return this.#become({ name: "over" });
        if (!navigator.onLine) return this.#become({ name: "offline" });
        const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#tries++) * (0.5 + Math.random() / 2);
        const at = Date.now() + wait;
        const tell = () => this.#become({ name: "waiting", seconds: Math.max(1, Math.ceil((at - Date.now()) / 1000)) });
        tell();
        this.#ticker = setInterval(tell, 1000);
        this.#timer = setTimeout(() => this.#open(), wait);
    }

    #lose() {
        const socket = this.#socket;
        this.#socket = null;
        socket?.close();
        clearTimeout(this.#timer);
        clearInterval(this.#ticker);
        if (this.state.name !== "over") this.#become({ name: "offline" });
    }

    #hurry() {
        if (this.#socket) return this.#check();
        this.#tries = 0;
        this.#open();
    }

    // A socket that is silent for two heartbeats is dead, whatever the browser thinks.
    #check() {
        if (!this.#socket) {
            if (this.state.name === "offline" && navigator.onLine) this.#open();
            return;
        }
        const silence = Date.now() - this.#heardAt;
        if (silence > 2 * this.#heartbeatMs + CHECK_MS) {
            const socket = this.#socket;
            socket.onclose = null;
            socket.close();
            this.#closed(0);
        } else if (silence > this.#heartbeatMs) {
            this.say({ type: "ping" });
        }
    }

    #become(state) {
        this.state = state;
        this.dispatchEvent(new Event("state"));
    }
}
