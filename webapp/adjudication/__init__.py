"""The adjudication desk: questions whose answers do not settle, worst first, decided by people."""

from webapp.adjudication import desk as desk
from webapp.adjudication import moving as moving
from webapp.adjudication import queue as queue
from webapp.adjudication.board import blueprint as blueprint
