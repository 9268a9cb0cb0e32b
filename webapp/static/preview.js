// The page in a frame of the second origin, which is posted to once the frame stands.
"use strict";

const stand = document.querySelector("[data-stand]");
const post = document.querySelector("form[data-frame]");

if (stand && post) {
  const frame = document.createElement("iframe");
  frame.title = "The page as a worker sees it";
  frame.name = "preview";
  frame.setAttribute("sandbox", "allow-scripts allow-forms allow-modals");
  stand.append(frame);
  post.target = "preview";
  post.submit();
}
