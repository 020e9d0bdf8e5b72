// The files of the draft, a chip each; kept with the draft. They come by button, drop and paste.
// Emits "change" when one is new, progressed, arrived, failed or is gone; "emptied" when the last one was removed.

import { find, h, icon, iconButton } from "../lib/dom.js";
import { Emitter } from "../lib/emitter.js";
import { fileSize } from "../lib/format.js";
import { attachmentUrl } from "./attachments.js";
import { Upload } from "./upload.js";

/** @extends {Emitter<{ change: undefined, emptied: undefined }>} */
export class AttachmentTray extends Emitter {
    /** @type {Map<string, Upload[]>} by draft: an upload that began in another conversation goes on */
    #drafts = new Map();
    /** @type {Map<Upload, FileChip>} */
    #chips = new Map();
    #key = "";

    /**
     * @param {HTMLElement} element
     * @param {Wire.PageConfig} config
     */
    constructor(element, { user, files }) {
        super();
        this.limits = files;
        this.prefix = `stagent:files:${user}:`;
        this.list = find("ul", element);
        this.status = find("[role=status]", element);
    }

    get isEmpty() {
        return this.#uploads.length === 0;
    }

    get isPending() {
        return this.#uploads.some((each) => each.isPending);
    }

    get hasFailed() {
        return this.#uploads.some((each) => each.error);
    }

    /** About how many tokens a model would read of the files that have arrived. */
    get tokens() {
        return this.#uploads.reduce((sum, { attachment }) => sum + (attachment?.tokens ?? 0), 0);
    }

    get #uploads() {
        return this.#drafts.get(this.#key) ?? [];
    }

    /** Shows the files of a draft. @param {string} key */
    open(key) {
        this.#key = key;
        if (!this.#drafts.has(key)) this.#drafts.set(key, this.#stored(key).map((each) => Upload.stored(each, this.limits)));
        this.showStatus("");
        this.#draw();
    }

    /** Renames the draft, with what was added to it since. @param {string} key */
    adopt(key) {
        const uploads = this.#uploads;
        this.#drafts.delete(this.#key);
        localStorage.removeItem(this.prefix + this.#key);
        this.#key = key;
        this.#drafts.set(key, uploads);
        this.#store(key);
    }

    /** @param {File[]} files */
    add(files) {
        const room = this.limits.most - this.#uploads.length;
        const uploads = files.slice(0, room).map((file) => this.#watch(Upload.of(file, this.limits)));
        this.#uploads.push(...uploads);
        this.showStatus(files.length > room ? `At most ${this.limits.most} files per message. The other files were not added.` : "");
        for (const each of uploads) each.start();
        this.#draw();
    }

    /** Puts back files that were about to be sent. @param {Wire.Attachment[]} attachments */
    restore(attachments) {
        const present = new Set(this.#uploads.map((each) => each.attachment?.id));
        const missing = attachments.filter(({ id }) => !present.has(id));
        this.#uploads.unshift(...missing.map((each) => Upload.stored(each, this.limits)));
        this.#draw();
    }

    /** Returns the files that have arrived, and empties the tray. */
    take() {
        const attachments = this.#uploads.map((each) => each.attachment).filter((each) => each !== null);
        this.#drafts.set(this.#key, []);
        this.showStatus("");
        this.#draw();
        return attachments;
    }

    /** @param {string} text */
    showStatus(text) {
        this.status.textContent = text;
        this.status.hidden = !text;
    }

    /** @param {Upload} upload */
    #watch(upload) {
        const key = this.#key;
        upload.on("change", () => {
            this.#chips.get(upload)?.update();
            this.#store(this.#drafts.get(key)?.includes(upload) ? key : this.#key);
            this.emit("change");
        });
        return upload;
    }

    /** @param {Upload} upload */
    #remove(upload) {
        upload.cancel();
        const at = this.#uploads.indexOf(upload);
        this.#uploads.splice(at, 1);
        this.showStatus("");
        this.#draw();
        const next = this.#uploads[Math.min(at, this.#uploads.length - 1)];
        if (next) this.#chips.get(next)?.removeButton.focus();
        else this.emit("emptied");
    }

    #draw() {
        const before = this.#chips;
        this.#chips = new Map(this.#uploads.map((each) => [each, before.get(each) ?? new FileChip(each, () => this.#remove(each))]));
        this.list.replaceChildren(...[...this.#chips.values()].map((chip) => chip.element));
        this.list.hidden = this.isEmpty;
        this.#store(this.#key);
        this.emit("change");
    }

    /**
     * @param {string} key
     * @returns {Wire.Attachment[]}
     */
    #stored(key) {
        try {
            return JSON.parse(localStorage.getItem(this.prefix + key) ?? "[]");
        } catch {
            return []; // something else wrote it
        }
    }

    /** @param {string} key */
    #store(key) {
        const attachments = (this.#drafts.get(key) ?? []).map((each) => each.attachment).filter(Boolean);
        try {
            if (attachments.length) localStorage.setItem(this.prefix + key, JSON.stringify(attachments));
            else localStorage.removeItem(this.prefix + key);
        } catch {
            // The browser stores nothing here; the files are in the tray still.
        }
    }
}

class FileChip {
    /**
     * @param {Upload} upload
     * @param {() => void} remove
     */
    constructor(upload, remove) {
        this.upload = upload;
        this.preview = h("span", { class: "file-preview" }, icon("file"));
        this.bar = h("progress", { max: 1, value: 0, "aria-label": `Uploading ${upload.name}` });
        this.details = h("small", {});
        this.retryButton = iconButton("retry", `Try again: ${upload.name}`, () => upload.start());
        this.removeButton = iconButton("close", `Remove ${upload.name}`, remove);
        this.name = h("span", { class: "name", dir: "auto", title: upload.name }, upload.name);
        const text = h("span", { class: "file-text" }, this.name, this.details, this.bar);
        this.element = h("li", { class: "file-chip" }, this.preview, text, this.retryButton, this.removeButton);
        this.#drawPreview();
        this.update();
    }

    update() {
        const { error, isPending, progress, mayRetry, name, size } = this.upload;
        this.element.toggleAttribute("data-failed", Boolean(error));
        this.name.textContent = this.name.title = name;
        this.details.textContent = error || (isPending ? `${Math.round(progress * 100)} % of ${fileSize(size)}` : fileSize(size));
        this.details.setAttribute("role", error ? "alert" : "none");
        this.bar.value = progress;
        this.bar.hidden = !isPending;
        this.retryButton.hidden = !error || !mayRetry;
    }

    // Shows a picture: from the file at hand, else from the server.
    #drawPreview() {
        const { file, attachment, isImage } = this.upload;
        if (!isImage) return;
        const image = h("img", { alt: "" });
        image.addEventListener("load", () => this.preview.replaceChildren(image));
        if (attachment) image.src = attachmentUrl(attachment);
        if (attachment || !file) return;
        const reader = new FileReader();
        reader.addEventListener("load", () => (image.src = String(reader.result)));
        reader.readAsDataURL(file);
    }
}
