"""``tracer members``: adds and lists members, and prints links for a new password."""

from __future__ import annotations

import smtplib

import click

from tracer.cli.options import application, database_options, with_config
from tracer.config import Config
from tracer.errors import ConfigError
from tracer.store.database.server import shown_url
from tracer.store.database.session import transaction
from tracer.store.members.audit import SERVER, Actor, record
from tracer.store.members.links import create_password_link
from tracer.store.members.mail_server import mail_server, set_mail_server
from tracer.store.members.members import (
    Member,
    create_member,
    delete_member,
    list_members,
    member_by_email,
    set_administrator,
    set_totp,
)
from tracer.store.members.roles import OWNER, ROLES, roles_of, set_role
from tracer.store.projects.projects import DEFAULT_PROJECT, get_project
from tracer.web import mail

_COMMAND = Actor(name="command line", via="command")


@click.group()
def members() -> None:
    """Add and list members; print links for a new password."""


@members.command()
@click.argument("email")
@click.option("--name", help="Name beside comments and scores; without it, part of the address.")
@click.option("--role", type=click.Choice(ROLES), default=OWNER, show_default=True)
@click.option("--project", default=DEFAULT_PROJECT, show_default=True, help="Project of the role.")
@click.option("--administrator", is_flag=True, help="Administer the server and all projects.")
@database_options
@with_config
def add(
    config: Config, email: str, name: str | None, role: str, project: str, administrator: bool
) -> None:
    """Add a member with the address EMAIL; print the link that sets the password.

    With the first member, the server begins to ask for logins and keys.
    """
    with application(config, "tracer members add"):
        if get_project(project) is None:
            raise ConfigError(f"there is no project {project!r}: `tracer projects list`")
        with transaction():
            made = create_member(
                name or email.partition("@")[0], email=email, administrator=administrator
            )
            set_role(project, made.member_id, role)
            code = create_password_link(made.member_id)
            record(project, "member.create", f"{made.name} {role}", _COMMAND)
    _print_link(config, code)


@members.command("list")
@database_options
@with_config
def list_command(config: Config) -> None:
    """List the members by name, with their roles."""
    with application(config, "tracer members list"):
        for member in list_members():
            roles = [f"{role} of {name}" for name, role in roles_of(member.member_id).items()]
            if member.administrator:
                roles.insert(0, "administrator")
            click.echo(f"{member.email or '':<32}  {member.name:<20}  {', '.join(roles)}")


@members.command()
@click.argument("email")
@click.option("--end-codes", is_flag=True, help="Turn one-time codes off.")
@database_options
@with_config
def password(config: Config, email: str, end_codes: bool) -> None:
    """Print a link with which the member sets a new password, once, within a day."""
    with application(config, "tracer members password"):
        member = _member(email)
        with transaction():
            code = create_password_link(member.member_id)
            if end_codes:
                set_totp(member.member_id, None)
            record(SERVER, "password.link", member.name, _COMMAND)
    _print_link(config, code)


@members.command()
@click.argument("email")
@click.option("--no", "revoke", is_flag=True, help="Take the right away again.")
@database_options
@with_config
def administrator(config: Config, email: str, revoke: bool) -> None:
    """Let a member administer the server and all projects."""
    with application(config, "tracer members administrator"):
        member = _member(email)
        with transaction():
            set_administrator(member.member_id, not revoke)
            record(SERVER, "administrator.change", f"{member.name} {not revoke}", _COMMAND)
    click.echo(f"{member.name}: {'no ' if revoke else ''}administrator")


@members.command()
@click.argument("email")
@click.confirmation_option(prompt="Comments and scores keep the name. Delete the member?")
@database_options
@with_config
def remove(config: Config, email: str) -> None:
    """Delete a member with sessions, tokens and roles."""
    with application(config, "tracer members remove"):
        member = _member(email)
        with transaction():
            delete_member(member.member_id)
            record(SERVER, "member.delete", member.name, _COMMAND)
    click.echo(f"removed {member.name}")


@members.command("mail")
@click.argument("url", required=False)
@click.option("--off", is_flag=True, help="Turn mail off.")
@click.option("--test", metavar="ADDRESS", help="Send a mail to this address.")
@database_options
@with_config
def mail_command(config: Config, url: str | None, off: bool, test: str | None) -> None:
    """Set the mail server that links for a new password are sent through, or print it.

    URL is smtp://user:password@host:587/?from=tracer@example.com, or - to be asked for it, since
    others on the machine can see arguments. smtps:// has TLS from the start, smtp:// begins it.
    """
    if url == "-":
        url = click.prompt("URL of the mail server", hide_input=True)
    with application(config, "tracer members mail"):
        if url or off:
            if url:
                mail.parse(url)
            with transaction():
                set_mail_server(url or "")
                record(SERVER, "mail.change", "off" if off else shown_url(url or ""), _COMMAND)
        current = mail_server()
    click.echo(shown_url(current) if current else "none: the server sends no mail")
    if test:
        _send_test(current, test)


def _send_test(url: str, address: str) -> None:
    try:
        mail.send(mail.parse(url), address, "A test by Tracer", "Mail from Tracer arrives.\n")
    except (OSError, smtplib.SMTPException) as error:
        raise ConfigError(f"the mail was not sent: {error}") from error
    click.echo(f"sent to {address}")


def _member(email: str) -> Member:
    member = member_by_email(email)
    if member is None:
        raise ConfigError(f"there is no member {email!r}: `tracer members list`")
    return member


def _print_link(config: Config, code: str) -> None:
    click.echo(f"{config.url}/password/{code}")
    click.echo("Under another name of the server the link works as well, once, within a day.")
