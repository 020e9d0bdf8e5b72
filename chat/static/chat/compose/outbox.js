// What a person sent and the server has not confirmed: kept in the browser, sent again until it is.
// Events: "change" when an entry is new, fails or is gone; "accepted" with the place it got.

import { ApiError, post } from "../lib/api.js";
import { tooLong } from "../lib/limits.js";

const LONG_BYTES = 48 * 1024; // longer texts do not fit into a frame of the socket
const IMPATIENT_MS = 10_000;

export class Outbox extends EventTarget {
    #entries = new Map();
    #posting = new Set(); // the ids of long texts under way
    #connection;
    #prefix;

    constructor(connection, { user, longest }) {
        super();
        this.#connection = connection;
        this.longest = longest;
        this.#prefix = `stagent:outbox:${user}:`;
        this.#load();
        connection.addEventListener("state", () => connection.isLive && this.flush());
        addEventListener("storage", (event) => this.#elsewhere(event));
        setInterval(() => this.#insist(), IMPATIENT_MS);
    }

    // The entries of a conversation, or of one that is about to begin.
    of(conversationId, draftOf) {
        const belongs = (entry) => (conversationId ? entry.conversation_id === conversationId : !entry.conversation_id && entry.draft_of === draftOf);
        return [...this.#entries.values()].filter(belongs);
    }

    // A conversation that was about to begin when the page was left.
    get begun() {
        return [...this.#entries.values()].findLast((entry) => !entry.conversation_id)?.draft_of;
    }

    get waiting() {
        return [...this.#entries.values()].filter((entry) => !entry.error).length;
    }

    add(draft) {
        const entry = { ...draft, client_msg_id: newId(), at: Date.now() };
        const wrong = tooLong(draft.text, this.longest);
        if (wrong) entry.error = wrong;
        this.#keep(entry);
        if (!entry.error) this.#send(entry);
        this.#changed();
        return entry;
    }

    flush() {
        for (const entry of this.#entries.values()) if (!entry.error) this.#send(entry);
    }

    retry(id) {
        const entry = this.#entries.get(id);
        delete entry.error;
        this.#keep(entry);
        this.#send(entry);
        this.#changed();
    }

    drop(id) {
        this.#entries.delete(id);
        localStorage.removeItem(this.#prefix + id);
        this.#changed();
    }

    accepted(frame) {
        const entry = this.#entries.get(frame.client_msg_id);
        if (!entry) return;
        this.#follow(entry, frame.conversation_id);
        this.dispatchEvent(new CustomEvent("accepted", { detail: { entry, place: frame } }));
        this.drop(frame.client_msg_id);
    }

    failed(frame) {
        const entry = this.#entries.get(frame.client_msg_id);
        if (!entry) return;
        if (frame.code === "rate_limited" || frame.code === "internal_error") {
            entry.tries = (entry.tries ?? 0) + 1;
            if (entry.tries < 4) return void setTimeout(() => this.#send(entry), 700 * entry.tries);
        }
        const wrong = Object.values(frame.fields ?? {}).flat().join(" ");
        entry.error = wrong || frame.message;
        this.#keep(entry);
        this.#changed();
    }

    // What was written into a conversation that had no id yet belongs to the one that was begun.
    #follow({ conversation_id: before, draft_of: begun }, conversationId) {
        if (before) return;
        for (const entry of this.#entries.values()) {
            if (entry.conversation_id || entry.draft_of !== begun) continue;
            entry.conversation_id = conversationId;
            this.#keep(entry);
            if (!entry.sentAt) this.#send(entry);
        }
    }

    #send(entry) {
        const frame = { type: "send", ...wire(entry) };
        if (!this.#mayGo(entry)) return;
        if (new Blob([entry.text]).size > LONG_BYTES) this.#post(entry);
        else if (!this.#connection.say(frame)) return;
        entry.sentAt = Date.now();
        this.#keep(entry);
    }

    // Words for a conversation that is about to begin wait for the first of them to begin it.
    #mayGo(entry) {
        if (entry.conversation_id || !entry.draft_of) return true;
        const first = [...this.#entries.values()].find((each) => each.draft_of === entry.draft_of && !each.conversation_id);
        return first === entry;
    }

    // One at a time: asked twice at once, a long text would begin two conversations.
    async #post(entry) {
        const id = entry.client_msg_id;
        if (this.#posting.has(id)) return;
        this.#posting.add(id);
        try {
            const begun = entry.conversation_id ?? entry.begun ?? (await this.#begin(entry));
            const { message, reply } = await post(`conversations/${begun}/messages`, { ...wire(entry), conversation_id: undefined });
            this.accepted({ client_msg_id: id, conversation_id: message.conversation_id, message_id: message.id, reply_id: reply.id });
        } catch (error) {
            if (error instanceof ApiError && !error.isPassing) this.failed({ ...error, message: error.message, client_msg_id: id });
        } finally {
            this.#posting.delete(id);
        }
    }

    async #begin(entry) {
        entry.begun = (await post("conversations", pick(entry, ["model", "profile"]))).id;
        this.#keep(entry);
        return entry.begun;
    }

    #insist() {
        const late = (entry) => !entry.error && Date.now() - (entry.sentAt ?? 0) > IMPATIENT_MS;
        for (const entry of this.#entries.values()) if (this.#connection.isLive && late(entry)) this.#send(entry);
    }

    #keep(entry) {
        this.#entries.set(entry.client_msg_id, entry);
        try {
            localStorage.setItem(this.#prefix + entry.client_msg_id, JSON.stringify(entry));
        } catch {
            // The browser keeps nothing for us: then it lives as long as this page.
        }
    }

    #load() {
        const keys = Object.keys(localStorage).filter((key) => key.startsWith(this.#prefix));
        const found = keys.map((key) => JSON.parse(localStorage.getItem(key))).sort((a, b) => a.at - b.at);
        for (const entry of found) this.#entries.set(entry.client_msg_id, entry);
    }

    #elsewhere({ key, newValue }) {
        if (!key?.startsWith(this.#prefix) || newValue !== null) return;
        this.#entries.delete(key.slice(this.#prefix.length));
        this.#changed();
    }

    #changed() {
        this.dispatchEvent(new Event("change"));
    }
}

function wire(entry) {
    const files = entry.attachments?.length ? { attachments: entry.attachments.map(({ id }) => id) } : {};
    return { ...pick(entry, ["client_msg_id", "conversation_id", "text", "model", "profile", "parent_id"]), ...files };
}

function pick(from, names) {
    return Object.fromEntries(names.filter((name) => from[name] !== null && from[name] !== undefined).map((name) => [name, from[name]]));
}

function newId() {
    const bytes = crypto.getRandomValues(new Uint8Array(12));
    return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
