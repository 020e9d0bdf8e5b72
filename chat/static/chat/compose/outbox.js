// Messages that the server has not confirmed: stored in the browser, and sent again until they are.
// Emits "change" when an entry is new, failed or gone; "accepted" with the entry and the ids of its message and reply.

import { ApiError, post } from "../lib/api.js";
import { Emitter } from "../lib/emitter.js";
import { lengthError } from "../lib/limits.js";
/** @import { Connection } from "../page/connection.js" */

/**
 * @typedef {object} Draft
 * @property {string} text
 * @property {Wire.Id | null} conversation_id
 * @property {number | null} draftKey tells apart conversations that have no id yet
 * @property {Wire.Attachment[]} [attachments]
 * @property {string} [profile]
 * @property {string} [model]
 * @property {Wire.Id | "root"} [parent_id] the message it follows, where that is not the last one
 */
/**
 * @typedef {object} Sending
 * @property {string} client_msg_id
 * @property {number} at when it was written
 * @property {number} [sentAt]
 * @property {number} [tries]
 * @property {string} [error]
 * @property {Wire.Id} [createdId] the conversation that was made for a long text
 */
/** @typedef {Draft & Sending} Entry */
/** @typedef {Omit<Wire.Accepted, "type">} Ids */

const SOCKET_LIMIT_BYTES = 48 * 1024; // longer texts do not fit into a frame of the socket
const RESEND_MS = 10_000;
const MAX_TRIES = 4;

/** @extends {Emitter<{ change: undefined, accepted: { entry: Entry, ids: Ids } }>} */
export class Outbox extends Emitter {
    /** @type {Map<string, Entry>} */
    #entries = new Map();
    /** @type {Set<string>} the ids of long texts under way */
    #posting = new Set();
    #connection;
    #maxChars;
    #prefix;

    /**
     * @param {Connection} connection
     * @param {Wire.PageConfig} config
     */
    constructor(connection, { user, longest }) {
        super();
        this.#connection = connection;
        this.#maxChars = longest;
        this.#prefix = `stagent:outbox:${user}:`;
        this.#load();
        connection.on("state", () => connection.isLive && this.flush());
        addEventListener("storage", (event) => this.#changedElsewhere(event));
        setInterval(() => this.#resend(), RESEND_MS);
    }

    /**
     * The entries of a conversation, or of one that has no id yet.
     * @param {Wire.Id | null} conversationId
     * @param {number} draftKey
     */
    entriesOf(conversationId, draftKey) {
        const belongs = (/** @type {Entry} */ entry) => (conversationId ? entry.conversation_id === conversationId : !entry.conversation_id && entry.draftKey === draftKey);
        return [...this.#entries.values()].filter(belongs);
    }

    /** The key of a conversation that had no id yet when the page was left. */
    get unfinishedDraftKey() {
        return [...this.#entries.values()].findLast((entry) => !entry.conversation_id)?.draftKey;
    }

    get pendingCount() {
        return [...this.#entries.values()].filter((entry) => !entry.error).length;
    }

    /** @param {Draft} draft */
    add(draft) {
        /** @type {Entry} */
        const entry = { ...draft, client_msg_id: newId(), at: Date.now() };
        const error = lengthError(draft.text, this.#maxChars);
        if (error) entry.error = error;
        this.#store(entry);
        if (!entry.error) this.#send(entry);
        this.emit("change");
        return entry;
    }

    flush() {
        for (const entry of this.#entries.values()) if (!entry.error) this.#send(entry);
    }

    /** @param {string} id */
    retry(id) {
        const entry = this.#entries.get(id);
        if (!entry) return;
        delete entry.error;
        this.#store(entry);
        this.#send(entry);
        this.emit("change");
    }

    /** @param {string} id */
    remove(id) {
        this.#entries.delete(id);
        localStorage.removeItem(this.#prefix + id);
        this.emit("change");
    }

    /** The server has it. @param {Ids} ids */
    confirm(ids) {
        const entry = this.#entries.get(ids.client_msg_id);
        if (!entry) return;
        this.#assign(entry, ids.conversation_id);
        this.emit("accepted", { entry, ids });
        this.remove(ids.client_msg_id);
    }

    /** The server refused it. @param {Pick<Wire.ErrorFrame, "client_msg_id" | "code" | "message" | "fields">} refusal */
    fail(refusal) {
        const entry = this.#entries.get(refusal.client_msg_id ?? "");
        if (!entry) return;
        if (refusal.code === "rate_limited" || refusal.code === "internal_error") {
            const tries = (entry.tries ?? 0) + 1;
            entry.tries = tries;
            if (tries < MAX_TRIES) return void setTimeout(() => this.#send(entry), 700 * tries);
        }
        entry.error = Object.values(refusal.fields ?? {}).flat().join(" ") || refusal.message;
        this.#store(entry);
        this.emit("change");
    }

    /**
     * A conversation got its id: what was written for it meanwhile follows.
     * @param {Entry} entry
     * @param {Wire.Id} conversationId
     */
    #assign({ conversation_id: known, draftKey }, conversationId) {
        if (known) return;
        for (const entry of this.#entries.values()) {
            if (entry.conversation_id || entry.draftKey !== draftKey) continue;
            entry.conversation_id = conversationId;
            this.#store(entry);
            if (!entry.sentAt) this.#send(entry);
        }
    }

    /** @param {Entry} entry */
    #send(entry) {
        if (!this.#maySend(entry)) return;
        if (new Blob([entry.text]).size > SOCKET_LIMIT_BYTES) this.#post(entry);
        else if (!this.#connection.send({ type: "send", ...wireFields(entry) })) return;
        entry.sentAt = Date.now();
        this.#store(entry);
    }

    /** Messages of a conversation without an id wait for the first of them to create it. @param {Entry} entry */
    #maySend(entry) {
        if (entry.conversation_id || !entry.draftKey) return true;
        const first = [...this.#entries.values()].find((each) => each.draftKey === entry.draftKey && !each.conversation_id);
        return first === entry;
    }

    /** One request at a time: two would create two conversations. @param {Entry} entry */
    async #post(entry) {
        const id = entry.client_msg_id;
        if (this.#posting.has(id)) return;
        this.#posting.add(id);
        try {
            const conversationId = entry.conversation_id ?? entry.createdId ?? (await this.#createConversation(entry));
            const { message, reply } = await post(`conversations/${conversationId}/messages`, { ...wireFields(entry), conversation_id: undefined });
            this.confirm({ client_msg_id: id, conversation_id: message.conversation_id, message_id: message.id, reply_id: reply.id });
        } catch (error) {
            if (error instanceof ApiError && !error.isTransient) this.fail({ ...error, message: error.message, client_msg_id: id });
        } finally {
            this.#posting.delete(id);
        }
    }

    /**
     * @param {Entry} entry
     * @returns {Promise<Wire.Id>}
     */
    async #createConversation(entry) {
        const { id } = await post("conversations", pick(entry, ["model", "profile"]));
        entry.createdId = id;
        this.#store(entry);
        return id;
    }

    #resend() {
        const isLate = (/** @type {Entry} */ entry) => !entry.error && Date.now() - (entry.sentAt ?? 0) > RESEND_MS;
        for (const entry of this.#entries.values()) if (this.#connection.isLive && isLate(entry)) this.#send(entry);
    }

    /** @param {Entry} entry */
    #store(entry) {
        this.#entries.set(entry.client_msg_id, entry);
        try {
            localStorage.setItem(this.#prefix + entry.client_msg_id, JSON.stringify(entry));
        } catch {
            // The browser stores nothing here; the entry lives as long as this page.
        }
    }

    #load() {
        const keys = Object.keys(localStorage).filter((key) => key.startsWith(this.#prefix));
        const entries = keys.map((key) => /** @type {Entry} */ (JSON.parse(localStorage.getItem(key) ?? "")));
        for (const entry of entries.sort((a, b) => a.at - b.at)) this.#entries.set(entry.client_msg_id, entry);
    }

    /** @param {StorageEvent} event */
    #changedElsewhere({ key, newValue }) {
        if (!key?.startsWith(this.#prefix) || newValue !== null) return;
        this.#entries.delete(key.slice(this.#prefix.length));
        this.emit("change");
    }
}

/** @param {Entry} entry */
function wireFields(entry) {
    const files = entry.attachments?.length ? { attachments: entry.attachments.map(({ id }) => id) } : {};
    return { ...pick(entry, ["client_msg_id", "conversation_id", "text", "model", "profile", "parent_id"]), ...files };
}

/**
 * Returns those fields that have a value.
 * @param {Entry} entry
 * @param {(keyof Entry)[]} names
 */
function pick(entry, names) {
    return Object.fromEntries(names.filter((name) => entry[name] !== null && entry[name] !== undefined).map((name) => [name, entry[name]]));
}

/** A number that tells a conversation without an id from others. */
export function newDraftKey() {
    return crypto.getRandomValues(new Uint32Array(1))[0];
}

function newId() {
    const bytes = crypto.getRandomValues(new Uint8Array(12));
    return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
