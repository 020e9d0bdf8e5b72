// The socket to the server: opened again whenever it breaks, until the session is over.
// Emits "frame" with what the server sent, "state" when the connection changes.

import { Emitter } from "../lib/emitter.js";

/** @typedef {"connecting" | "live" | "waiting" | "offline" | "over"} StateName */
/** @typedef {{ name: StateName, seconds?: number }} State `seconds` until the next attempt, while waiting */

const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 15_000;
const SESSION_OVER = 4401; // close code
const CHECK_MS = 3000;

/** @extends {Emitter<{ frame: Wire.Frame, state: undefined }>} */
export class Connection extends Emitter {
    /** @type {State} */
    state = { name: "connecting" };
    /** @type {WebSocket | null} */
    #socket = null;
    #attempts = 0;
    #timer = 0;
    #ticker = 0;
    #receivedAt = 0;
    #heartbeatMs = 15_000;
    #url;
    #helloFields;

    /**
     * @param {string} path
     * @param {() => object} helloFields what this page has seen so far
     */
    constructor(path, helloFields) {
        super();
        this.#url = new URL(path, location.href);
        this.#url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
        this.#helloFields = helloFields;
    }

    get isLive() {
        return this.state.name === "live";
    }

    start() {
        addEventListener("online", () => this.#reconnect());
        addEventListener("pageshow", () => this.#reconnect());
        addEventListener("offline", () => this.#disconnect());
        document.addEventListener("visibilitychange", () => document.hidden || this.#reconnect());
        setInterval(() => this.#check(), CHECK_MS);
        this.#open();
    }

    /**
     * Returns whether it was sent; what was not, the caller keeps.
     * @param {Wire.Request} frame
     */
    send(frame) {
        if (this.#socket?.readyState !== WebSocket.OPEN) return false;
        this.#socket.send(JSON.stringify(frame));
        return true;
    }

    /** Asks the server to go on from what this page has seen. */
    sendHello() {
        this.send({ type: "hello", ...this.#helloFields() });
    }

    #open() {
        clearTimeout(this.#timer);
        clearInterval(this.#ticker);
        if (this.state.name === "over" || this.#socket) return;
        if (!navigator.onLine) return this.#setState({ name: "offline" });
        const socket = new WebSocket(this.#url);
        this.#socket = socket;
        this.#receivedAt = Date.now();
        socket.onopen = () => socket === this.#socket && this.sendHello();
        socket.onmessage = (event) => socket === this.#socket && this.#received(JSON.parse(event.data));
        socket.onclose = (event) => socket === this.#socket && this.#closed(event.code);
    }

    /** @param {Wire.Frame} frame */
    #received(frame) {
        this.#receivedAt = Date.now();
        if (frame.type === "welcome") {
            this.#attempts = 0;
            this.#heartbeatMs = (frame.heartbeat_sec ?? 15) * 1000;
            this.#setState({ name: "live" });
        }
        this.emit("frame", frame);
    }

    /** @param {number} code */
    #closed(code) {
        this.#socket = null;
        if (code === SESSION_OVER) return this.#setState({ name: "over" });
        if (!navigator.onLine) return this.#setState({ name: "offline" });
        const wait = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#attempts++) * (0.5 + Math.random() / 2);
        const at = Date.now() + wait;
        const countDown = () => this.#setState({ name: "waiting", seconds: Math.max(1, Math.ceil((at - Date.now()) / 1000)) });
        countDown();
        this.#ticker = setInterval(countDown, 1000);
        this.#timer = setTimeout(() => this.#open(), wait);
    }

    #disconnect() {
        const socket = this.#socket;
        this.#socket = null;
        socket?.close();
        clearTimeout(this.#timer);
        clearInterval(this.#ticker);
        if (this.state.name !== "over") this.#setState({ name: "offline" });
    }

    #reconnect() {
        if (this.#socket) return this.#check();
        this.#attempts = 0;
        this.#open();
    }

    // A socket that is silent for two heartbeats is dead, even where the browser does not know it.
    #check() {
        const socket = this.#socket;
        if (!socket) {
            if (this.state.name === "offline" && navigator.onLine) this.#open();
            return;
        }
        const silenceMs = Date.now() - this.#receivedAt;
        if (silenceMs > 2 * this.#heartbeatMs + CHECK_MS) {
            socket.onclose = null;
            socket.close();
            this.#closed(0);
        } else if (silenceMs > this.#heartbeatMs) {
            this.send({ type: "ping" });
        }
    }

    /** @param {State} state */
    #setState(state) {
        this.state = state;
        this.emit("state");
    }
}
