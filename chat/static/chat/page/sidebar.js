// The list of conversations, by day. Emits "go" with an id, "changed" with a conversation or null, "removed" with an id.

import { ApiError, get, messageOf, patch, post, remove } from "../lib/api.js";
import { find, findAs, h, smallButton } from "../lib/dom.js";
import { Emitter } from "../lib/emitter.js";
import { GROUPS, groupOf } from "../lib/format.js";
import { openMenu } from "../lib/menu.js";
import { toast } from "../lib/toast.js";
import { openStandingApprovals } from "../thread/standingApprovals.js";
import { ConversationRow } from "./conversationRow.js";
import { Folders } from "./folders.js";
import { openShareDialog } from "./shareDialog.js";

const PAGE_SIZE = 60;
const DEBOUNCE_MS = 120;
const REGROUP_MS = 600_000;

/** @typedef {{ title?: string, pinned?: boolean, folder?: string | null, archived?: boolean, read?: boolean }} Change */
/** @typedef {Pick<Wire.Conversation, "id" | "archived_at">} Archivable */

/** @extends {Emitter<{ go: Wire.Id, changed: Wire.Conversation | null, removed: Wire.Id }>} */
export class Sidebar extends Emitter {
    /** @type {Map<Wire.Id, ConversationRow>} */
    #rows = new Map();
    /** @type {Wire.Id | null} */
    #current = null;
    /** @type {Set<Wire.Id>} */
    #stale = new Set();
    /** @type {Set<Wire.Id>} */
    #deleted = new Set();
    #timer = 0;
    #showsArchive = false;
    #hasOlder = false;

    /** @param {HTMLElement} element */
    constructor(element) {
        super();
        this.element = element;
        this.lists = find("[data-lists]", element);
        this.archiveButton = find("[data-archived]", element);
        this.archiveButton.addEventListener("click", () => this.#toggleArchive());
        const select = findAs(HTMLSelectElement, "[data-folders]", element);
        this.folders = new Folders(select, findAs(HTMLDialogElement, "#folder"), (id, folder) => this.change(id, { folder }));
        this.folders.on("chosen", () => this.#reload());
        setInterval(() => this.#draw(), REGROUP_MS); // midnight may pass while the page is open
    }

    get unread() {
        return [...this.#rows.values()].filter((row) => row.conversation.unread).length;
    }

    async load() {
        const limit = Math.max(PAGE_SIZE, this.#rows.size);
        this.folders.load();
        /** @type {Wire.Page<Wire.Conversation>} */
        const page = await get(`conversations?limit=${limit}${this.#filter}`);
        const known = this.#rows; // a row stays the same element, with the focus in it and a menu beside it
        this.#rows = new Map();
        this.#add(page, limit, known);
    }

    /** Marks the open conversation. @param {Wire.Id | null} id */
    show(id) {
        this.#current = id;
        for (const row of this.#rows.values()) row.show(row.conversation.id === id);
    }

    /** Loads a conversation that changed, once for calls that come together. @param {Wire.Id} id */
    refresh(id) {
        if (this.#deleted.has(id)) return;
        this.#stale.add(id);
        this.#timer ||= setTimeout(() => this.#loadStale(), DEBOUNCE_MS);
    }

    /** The approvals of any conversation with an unfinished reply may have changed. */
    refreshLive() {
        for (const [id, row] of this.#rows) if (row.conversation.live) this.refresh(id);
    }

    /** @param {Wire.Conversation} conversation */
    update(conversation) {
        const { chosen } = this.folders;
        const belongs = Boolean(conversation.archived_at) === this.#showsArchive && [null, conversation.folder].includes(chosen);
        const row = this.#rows.get(conversation.id);
        if (row?.conversation.folder !== conversation.folder) this.folders.load();
        if (!belongs) this.#rows.delete(conversation.id);
        else if (row) row.update(conversation);
        else this.#rows.set(conversation.id, new ConversationRow(conversation, this));
        this.#draw();
        this.emit("changed", conversation);
    }

    /**
     * @param {Wire.Conversation} conversation
     * @param {HTMLElement} anchor
     * @param {() => void} rename edits the title that is in sight
     */
    openMenu(conversation, anchor, rename) {
        const { id, pinned, unread, archived_at: archivedAt } = conversation;
        openMenu(anchor, [
            ["pin", pinned ? "Unpin" : "Pin", () => this.pin(conversation)],
            ["pencil", "Rename", rename],
            ["folder", conversation.folder ? "Move to another folder…" : "Move to a folder…", () => this.folders.openDialog(conversation, anchor)],
            !unread && id !== this.#current && ["unread", "Mark as unread", () => this.change(id, { read: false })],
            ["download", "Export as Markdown", () => this.download(id, "md")],
            ["download", "Export as JSON", () => this.download(id, "json")],
            ["link", "Share a link…", () => openShareDialog(conversation, toast)],
            ["hand", "Always allowed…", () => openStandingApprovals(`conversation:${id}`, toast)],
            ["archive", archivedAt ? "Unarchive" : "Archive", () => this.archive(conversation)],
            ["trash", "Delete", () => this.#focusNext(id, this.#delete(id)), "bad"],
        ]);
    }

    /** A conversation that begins while a folder is open is put into it. @param {Wire.Id} id */
    moveToOpenFolder(id) {
        if (this.folders.chosen) this.change(id, { folder: this.folders.chosen });
    }

    /** @param {Pick<Wire.Conversation, "id" | "pinned">} conversation */
    pin({ id, pinned }) {
        this.change(id, { pinned: !pinned });
    }

    /** @param {Archivable} conversation */
    archive({ id, archived_at: archivedAt }) {
        this.#focusNext(id, this.#setArchived(id, !archivedAt));
    }

    /**
     * As a download, an error response does not replace the page.
     * @param {Wire.Id} id
     * @param {string} format
     */
    download(id, format) {
        h("a", { href: `/api/conversations/${id}/export?format=${format === "json" ? "json" : "md"}`, download: true }).click();
    }

    /**
     * When a row goes, the focus moves to the one after it.
     * @param {Wire.Id} id
     * @param {Promise<void>} removal
     */
    async #focusNext(id, removal) {
        const listed = [...this.lists.querySelectorAll("li")];
        const at = listed.findIndex((each) => each === this.#rows.get(id)?.element);
        const next = listed[at + 1] ?? listed[at - 1];
        await removal;
        if (document.activeElement === document.body) (next?.querySelector("a") ?? find("#new", this.element)).focus();
    }

    /**
     * @param {Wire.Id} id
     * @param {Change} fields
     */
    async change(id, fields) {
        await this.#attempt(async () => this.update(await patch(`conversations/${id}`, fields)));
    }

    get #filter() {
        const { chosen } = this.folders;
        return (this.#showsArchive ? "&archived=true" : "") + (chosen === null ? "" : `&folder=${encodeURIComponent(chosen)}`);
    }

    /**
     * @param {Wire.Id} id
     * @param {boolean} archived
     */
    async #setArchived(id, archived) {
        await this.change(id, { archived });
        toast(archived ? "Archived." : "Unarchived.", () => this.change(id, { archived: !archived }));
    }

    /** @param {Wire.Id} id */
    async #delete(id) {
        await this.#attempt(async () => {
            this.#deleted.add(id);
            await remove(`conversations/${id}`).catch((error) => {
                this.#deleted.delete(id);
                throw error;
            });
            this.#removeRow(id);
            toast("Deleted.", () => this.#restore(id));
        });
    }

    /** @param {Wire.Id} id */
    async #restore(id) {
        await this.#attempt(async () => {
            this.update(await post(`conversations/${id}/restore`));
            this.#deleted.delete(id);
        });
    }

    /** @param {() => Promise<void>} change */
    async #attempt(change) {
        try {
            await change();
        } catch (error) {
            toast(messageOf(error));
        }
    }

    /** @param {Wire.Id} id */
    #removeRow(id) {
        if (!this.#rows.delete(id) && id !== this.#current) return;
        this.folders.load();
        this.#draw();
        this.emit("removed", id);
    }

    #loadStale() {
        this.#timer = 0;
        for (const id of this.#stale) {
            get(`conversations/${id}`).then(
                (conversation) => this.update(conversation),
                (error) => error instanceof ApiError && error.status === 404 && this.#removeRow(id),
            );
        }
        this.#stale.clear();
    }

    async #toggleArchive() {
        this.#showsArchive = !this.#showsArchive;
        this.archiveButton.setAttribute("aria-pressed", String(this.#showsArchive));
        find("span", this.archiveButton).textContent = this.#showsArchive ? "Back to all" : "Archive";
        await this.#reload();
    }

    async #reload() {
        this.#rows.clear();
        await this.#attempt(() => this.load());
    }

    async #loadOlder() {
        await this.#attempt(async () => this.#add(await get(`conversations?limit=${PAGE_SIZE}&offset=${this.#rows.size}${this.#filter}`), PAGE_SIZE));
    }

    /**
     * @param {Wire.Page<Wire.Conversation>} page
     * @param {number} limit
     * @param {Map<Wire.Id, ConversationRow>} [known]
     */
    #add({ items, count }, limit, known = this.#rows) {
        for (const item of items) {
            const row = known.get(item.id);
            row?.update(item);
            this.#rows.set(item.id, row ?? new ConversationRow(item, this));
        }
        this.#hasOlder = items.length === limit && count > this.#rows.size; // the count may include one that began meanwhile
        this.#draw();
        this.emit("changed", null);
    }

    get #emptyText() {
        if (this.folders.chosen !== null) return "No conversations of this folder here.";
        return this.#showsArchive ? "No archived conversations." : "No conversations yet.";
    }

    #draw() {
        const focused = document.activeElement;
        const rows = [...this.#rows.values()].sort((a, b) => activeAt(b) - activeAt(a));
        const groups = Map.groupBy(rows, (row) => groupOf(row.conversation));
        const names = GROUPS.filter((name) => groups.has(name));
        this.lists.replaceChildren(...names.map((name) => groupElement(name, groups.get(name) ?? [])));
        if (!rows.length) this.lists.append(h("p", { class: "quiet" }, this.#emptyText));
        if (this.#hasOlder) this.lists.append(smallButton("Show older", () => this.#loadOlder()));
        this.show(this.#current);
        if (focused !== document.activeElement && focused instanceof HTMLElement && this.lists.contains(focused)) focused.focus();
    }
}

/** @param {ConversationRow} row */
function activeAt({ conversation }) {
    return new Date(conversation.active_at).getTime();
}

/**
 * @param {string} name
 * @param {ConversationRow[]} rows
 */
function groupElement(name, rows) {
    const id = `group-${name.replaceAll(" ", "-").toLowerCase()}`;
    return h("section", { "aria-labelledby": id }, h("h2", { id }, name), h("ul", {}, rows.map((row) => row.element)));
}
