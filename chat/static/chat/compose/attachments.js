// The files of a message: pictures to look at, others to download.

import { h, icon, iconButton, opensElsewhere } from "../lib/dom.js";
import { fileSize } from "../lib/format.js";

/** @param {Pick<Wire.Attachment, "id">} attachment */
export function attachmentUrl({ id }) {
    return `/api/attachments/${id}`;
}

/**
 * Makes the list of a message's files; null where there are none.
 * @param {Wire.Attachment[] | undefined} attachments
 */
export function attachmentList(attachments) {
    if (!attachments?.length) return null;
    const items = attachments.map((each) => h("li", {}, each.kind === "image" ? thumbnail(each) : fileLink(each)));
    return h("ul", { class: "files", "aria-label": "Files" }, items);
}

/** @param {Wire.Attachment} file */
function thumbnail(file) {
    const { name, width, height } = file;
    const image = h("img", { src: attachmentUrl(file), alt: name, width, height, loading: "lazy", decoding: "async" });
    const link = h("a", { class: "thumb", href: attachmentUrl(file), target: "_blank", rel: "noopener", title: name, "aria-haspopup": "dialog" }, image);
    image.addEventListener("error", () => link.replaceChildren(icon("warn"), `${name} cannot be shown`));
    link.addEventListener("click", (event) => {
        if (opensElsewhere(event)) return;
        event.preventDefault();
        openPicture(file, link);
    });
    return link;
}

/** @param {Wire.Attachment} file */
function fileLink(file) {
    const { name, size } = file;
    const text = h("span", { class: "file-text" }, h("span", { class: "name", dir: "auto" }, name), h("small", {}, fileSize(size)));
    return h("a", { class: "file", href: attachmentUrl(file), download: name, title: `Download ${name}` }, icon("file"), text, icon("download"));
}

/**
 * Shows a picture as large as the window allows; Escape, or a click beside it, closes it.
 * @param {Wire.Attachment} file
 * @param {HTMLElement} opener
 */
function openPicture(file, opener) {
    const url = attachmentUrl(file);
    const close = () => dialog.close();
    const dialog = h(
        "dialog",
        { class: "image-viewer", "aria-label": file.name },
        h(
            "header",
            {},
            h("span", { class: "name", dir: "auto" }, file.name),
            h("a", { class: "icon-button", href: url, download: file.name, "aria-label": "Download", title: "Download" }, icon("download")),
            iconButton("close", "Close", close),
        ),
        h("img", { src: url, alt: file.name, width: file.width, height: file.height }),
    );
    dialog.addEventListener("click", (event) => event.target === dialog && close());
    dialog.addEventListener("close", () => {
        dialog.remove();
        opener.focus({ preventScroll: true });
    });
    document.body.append(dialog);
    dialog.showModal();
}
