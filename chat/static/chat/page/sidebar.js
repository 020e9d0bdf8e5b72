// The conversations at the side, by day. Events: "go" with an id, "changed" with a conversation, "removed".

import { get, patch, post, remove } from "../lib/api.js";
import { button, find, h } from "../lib/dom.js";
import { openLeaves } from "../thread/standingApprovals.js";
import { Folders } from "./folders.js";
import { openMenu } from "../lib/menu.js";
import { Row } from "./conversationRow.js";
import { openSharing } from "./shareDialog.js";
import { GROUPS, groupOf } from "../lib/format.js";
import { toast } from "../lib/toast.js";

const PAGE = 60;
const SOON_MS = 120;

export class Sidebar extends EventTarget {
    #rows = new Map();
    #current = null;
    #stale = new Set();
    #timer = 0;
    #archived = false;
    #thrownAway = new Set();

    constructor(element) {
        super();
        this.element = element;
        this.lists = find("[data-lists]", element);
        this.shelf = find("[data-archived]", element);
        this.shelf.addEventListener("click", () => this.#turn());
        this.folders = new Folders(find("[data-folders]", element), find("#folder"), (id, folder) => this.change(id, { folder }));
        this.folders.addEventListener("chosen", () => this.#anew());
        setInterval(() => this.#draw(), 600_000); // a day passes while the page is open
    }

    get unread() {
        return [...this.#rows.values()].filter((row) => row.conversation.unread).length;
    }

    async load() {
        const limit = Math.max(PAGE, this.#rows.size);
        this.folders.load();
        const { items, count } = await get(`conversations?limit=${limit}${this.#filter}`);
        const known = this.#rows; // a row stays what it is, with the keyboard in it and a menu beside it
        this.#rows = new Map();
        this.#take(items, count, limit, known);
    }

    show(id) {
        this.#current = id;
        for (const row of this.#rows.values()) row.show(row.conversation.id === id);
    }

    go(id) {
        this.dispatchEvent(new CustomEvent("go", { detail: id }));
    }

    // Something is new in a conversation: ask for it, once for what comes together.
    refresh(id) {
        if (this.#thrownAway.has(id)) return;
        this.#stale.add(id);
        this.#timer ||= setTimeout(() => this.#ask(), SOON_MS);
    }

    // Whoever is being answered may be asked something, or have answered.
    refreshLive() {
        for (const [id, row] of this.#rows) if (row.conversation.live) this.refresh(id);
    }

    update(conversation) {
        const { chosen } = this.folders;
        const belongs = Boolean(conversation.archived_at) === this.#archived && [null, conversation.folder].includes(chosen);
        const known = this.#rows.get(conversation.id);
        if (known?.conversation.folder !== conversation.folder) this.folders.load();
        if (!belongs) this.#rows.delete(conversation.id);
        else if (known) known.update(conversation);
        else this.#rows.set(conversation.id, new Row(conversation, this));
        this.#draw();
        this.dispatchEvent(new CustomEvent("changed", { detail: conversation }));
    }

    // `rename` makes a field of the title that is there to be seen.
    openMenu(conversation, anchor, rename) {
        const { id, pinned, unread, archived_at: archived } = conversation;
        openMenu(anchor, [
            ["pin", pinned ? "Unpin" : "Pin", () => this.pin(conversation)],
            ["pencil", "Rename", rename],
            ["folder", conversation.folder ? "Move to another folder…" : "Move to a folder…", () => this.folders.ask(conversation, anchor)],
            !unread && id !== this.#current && ["unread", "Mark as unread", () => this.change(id, { read: false })],
            ["download", "Export as Markdown", () => this.download(conversation, "md")],
            ["download", "Export as JSON", () => this.download(conversation, "json")],
            ["link", "Share a link…", () => openSharing(conversation, toast)],
            ["hand", "Always allowed…", () => openLeaves(`conversation:${id}`, toast)],
            ["archive", archived ? "Back from the archive" : "Archive", () => this.archive(conversation)],
            ["trash", "Delete", () => this.#leaving(id, this.#delete(id)), "bad"],
        ]);
    }

    // What begins while a folder is open lies in it.
    file(id) {
        if (this.folders.chosen) this.change(id, { folder: this.folders.chosen });
    }

    pin({ id, pinned }) {
        this.change(id, { pinned: !pinned });
    }

    archive({ id, archived_at: archived }) {
        this.#leaving(id, this.#shelve(id, !archived));
    }

    // As a download, a refusal does not take the place of the page.
    download({ id }, format) {
        h("a", { href: `/api/conversations/${id}/export?format=${format === "json" ? "json" : "md"}`, download: true }).click();
    }

    // When a row goes, the keyboard goes on at the one after it.
    async #leaving(id, going) {
        const listed = [...this.lists.querySelectorAll("li")];
        const at = listed.indexOf(this.#rows.get(id)?.element);
        const next = listed[at + 1] ?? listed[at - 1];
        await going;
        if (document.activeElement === document.body) (next?.querySelector("a") ?? find("#new", this.element)).focus();
    }

    async change(id, fields) {
        await this.#attempt(async () => this.update(await patch(`conversations/${id}`, fields)));
    }

    get #filter() {
        const { chosen } = this.folders;
        return (this.#archived ? "&archived=true" : "") + (chosen === null ? "" : `&folder=${encodeURIComponent(chosen)}`);
    }

    async #shelve(id, archived) {
        await this.change(id, { archived });
        toast(archived ? "Archived." : "Back in the list.", () => this.change(id, { archived: !archived }));
    }

    async #delete(id) {
        await this.#attempt(async () => {
            this.#thrownAway.add(id);
            await remove(`conversations/${id}`).catch((error) => {
                this.#thrownAway.delete(id);
                throw error;
            });
            this.#drop(id);
            toast("Deleted.", () => this.#restore(id));
        });
    }

    async #restore(id) {
        await this.#attempt(async () => {
            this.update(await post(`conversations/${id}/restore`));
            this.#thrownAway.delete(id);
        });
    }

    async #attempt(change) {
        try {
            await change();
        } catch (error) {
            toast(error.message);
        }
    }

    #drop(id) {
        if (!this.#rows.delete(id) && id !== this.#current) return;
        this.folders.load();
        this.#draw();
        this.dispatchEvent(new CustomEvent("removed", { detail: id }));
    }

    #ask() {
        this.#timer = 0;
        for (const id of this.#stale) {
            get(`conversations/${id}`).then(
                (conversation) => this.update(conversation),
                (error) => error.status === 404 && this.#drop(id),
            );
        }
        this.#stale.clear();
    }

    async #turn() {
        this.#archived = !this.#archived;
        this.shelf.setAttribute("aria-pressed", this.#archived);
        find("span", this.shelf).textContent = this.#archived ? "Back to all" : "Archive";
        await this.#anew();
    }

    async #anew() {
        this.#rows.clear();
        await this.#attempt(() => this.load());
    }

    async #older() {
        await this.#attempt(async () => {
            const { items, count } = await get(`conversations?limit=${PAGE}&offset=${this.#rows.size}${this.#filter}`);
            this.#take(items, count, PAGE);
        });
    }

    #take(items, count, limit, known = this.#rows) {
        for (const item of items) {
            const row = known.get(item.id);
            row?.update(item);
            this.#rows.set(item.id, row ?? new Row(item, this));
        }
        this.more = items.length === limit && count > this.#rows.size; // the count may know of one begun meanwhile
        this.#draw();
        this.dispatchEvent(new CustomEvent("changed", { detail: null }));
    }

    get #nothing() {
        if (this.folders.chosen !== null) return "Nothing of this folder is here.";
        return this.#archived ? "Nothing is archived. What you archive waits here." : "Nothing yet. What you ask first stands here.";
    }

    #draw() {
        const focused = document.activeElement;
        const rows = [...this.#rows.values()].sort((a, b) => new Date(b.conversation.active_at) - new Date(a.conversation.active_at));
        const groups = Map.groupBy(rows, (row) => groupOf(row.conversation));
        const shown = GROUPS.filter((name) => groups.has(name)).map((name) => group(name, groups.get(name)));
        this.lists.replaceChildren(...shown);
        if (!rows.length) this.lists.append(h("p", { class: "quiet" }, this.#nothing));
        if (this.more) this.lists.append(button("Show older", () => this.#older(), { class: "button small" }));
        this.show(this.#current);
        if (focused !== document.activeElement && this.lists.contains(focused)) focused.focus();
    }
}

function group(name, rows) {
    const id = `group-${name.replaceAll(" ", "-").toLowerCase()}`;
    return h("section", { "aria-labelledby": id }, h("h2", { id }, name), h("ul", {}, rows.map((row) => row.element)));
}
